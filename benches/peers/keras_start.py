"""Loads a saved network and predicts one row; the whole process is timed. The backend is that of KERAS_BACKEND.

The network is made on the first run and kept beside the Python environment.
"""

import os
import sys

import keras
import numpy as np

PATH = os.path.join(sys.prefix, f"start-{os.environ['KERAS_BACKEND']}.keras")


def main():
    if not os.path.exists(PATH):
        layers = [keras.layers.Dense(units, activation=name) for units, name in ((32, "relu"), (128, "relu"), (1, None))]
        keras.Sequential([keras.Input((9,)), *layers]).save(PATH)
    model = keras.saving.load_model(PATH)
    model.predict(np.zeros((1, 9), "float32"), verbose=0)


if __name__ == "__main__":
    main()
