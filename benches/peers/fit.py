"""Does the work of one workload through Keras's own `fit`: `python fit.py WORKLOAD`.

Says `ready` when warm; then, for each line it reads, trains once and answers with the result in the workload's
unit. The backend is that of KERAS_BACKEND.
"""

import sys
import time

import keras
import numpy as np

RANDOM = np.random.default_rng(1)


def network(inputs, *layers):
    layers = [keras.layers.Dense(units, activation=activation) for units, activation in layers]
    return keras.Sequential([keras.Input((inputs,)), *layers])


def tabular():
    rows, epochs = 1_000, 50
    model = network(9, (32, "relu"), (128, "relu"), (1, None))
    model.compile("adam", "mse")
    x, y = (RANDOM.uniform(-1, 1, (rows, width)).astype("float32") for width in (9, 1))
    return lambda epochs=epochs: model.fit(x, y, batch_size=32, epochs=epochs, verbose=0), lambda seconds: seconds


def w1():
    rows = 12_800
    model = network(784, (512, "relu"), (512, "relu"), (10, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy")
    x = RANDOM.uniform(-1, 1, (rows, 784)).astype("float32")
    y = RANDOM.integers(0, 10, rows).astype("int32")
    return lambda epochs=1: model.fit(x, y, batch_size=128, epochs=epochs, verbose=0), lambda seconds: rows / seconds


WORKLOADS = {"tabular": tabular, "W1": w1}


def main():
    fit, result = WORKLOADS[sys.argv[1]]()
    fit(epochs=1)
    # Compilers of the backends may work on after the first call has returned.
    fit(epochs=1)
    print("ready", flush=True)
    for _ in sys.stdin:
        begun = time.perf_counter()
        fit()
        print(result(time.perf_counter() - begun), flush=True)


if __name__ == "__main__":
    main()
