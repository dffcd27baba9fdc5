"""Does a workload with Keras, through its own `fit` and `predict`: `python keras_fit.py WORKLOAD MEASURE`.

The models and sizes are those of `src/workloads/`; the backend is that of KERAS_BACKEND.
"""

import os

import keras
from companion import each, floats, labels, samples_a_second, seconds, serve
from keras import layers

PACKAGES = {"jax": "jax", "tensorflow": "tensorflow-cpu"}


def dense_network(inputs, *units):
    hidden = [layers.Dense(units, activation=activation) for units, activation in units]
    return keras.Sequential([keras.Input((inputs,)), *hidden])


def epoch(model, x, y, batch_size):
    """Samples a second of one epoch."""
    return samples_a_second(lambda: model.fit(x, y, batch_size=batch_size, verbose=0), len(x))


def w1_network():
    return dense_network(784, (512, "relu"), (512, "relu"), (10, "softmax"))


def w1():
    model = w1_network()
    model.compile("adam", "sparse_categorical_crossentropy")
    return epoch(model, floats(12_800, 784), labels(10, 12_800), 128)


def latency():
    # `predict` is made for many samples; this is Keras's own way to predict a few with a compiled function.
    model, x = w1_network(), floats(1, 784)
    return each(lambda: model.predict_on_batch(x), 1_000, 1e6)


def w2():
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    return epoch(model, floats(2_560, 28, 28, 1), labels(10, 2_560), 128)


def w3():
    model = keras.Sequential([
        keras.Input((80,), dtype="int32"),
        layers.Embedding(20_000, 128),
        layers.LSTM(128),
        layers.Dense(1, activation="sigmoid"),
    ])
    model.compile("adam", "binary_crossentropy")
    return epoch(model, labels(20_000, 640, 80), labels(2, 640, 1), 32)


class Places(layers.Layer):
    """Adds a vector that is learned for each place."""

    def build(self, shape):
        self.places = self.add_weight(shape=shape[1:], initializer="uniform", name="places")

    def call(self, x):
        return x + self.places


def transformer_block(x, width, heads):
    normal = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(heads, width // heads)(normal, normal, use_causal_mask=True)])
    inner = layers.Dense(4 * width, activation="relu")(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dense(width)(inner)])


def w4():
    words, steps, width, heads = 8_000, 128, 128, 4
    given = keras.Input((steps,), dtype="int32")
    x = Places()(layers.Embedding(words, width)(given))
    for _ in range(2):
        x = transformer_block(x, width, heads)
    model = keras.Model(given, layers.Dense(words)(layers.LayerNormalization()(x)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return epoch(model, labels(words, 160, steps), labels(words, 160, steps), 16)


def convolved(x, filters, size, stride):
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def resnet_block(x, filters, stride):
    inner = layers.Activation("relu")(convolved(x, filters, 3, stride))
    inner = convolved(inner, filters, 3, 1)
    is_same = stride == 1 and x.shape[-1] == filters
    shortcut = x if is_same else convolved(x, filters, 1, stride)
    return layers.Activation("relu")(layers.Add()([shortcut, inner]))


def w5():
    images = keras.Input((32, 32, 3))
    x = layers.Activation("relu")(convolved(images, 16, 3, 1))
    for stage, filters in enumerate((16, 32, 64)):
        for number in range(3):
            x = resnet_block(x, filters, 2 if stage > 0 and number == 0 else 1)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, layers.Dense(10, activation="softmax")(x))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    return epoch(model, floats(320, 32, 32, 3), labels(10, 320), 64)


def w6():
    model = dense_network(9, (32, "relu"), (128, "relu"), (1, None))
    model.compile("adam", "mse")
    x, y = floats(1_000, 9), floats(1_000, 1)
    return lambda: seconds(lambda: model.fit(x, y, batch_size=32, epochs=50, verbose=0))


def photographs(network, images):
    model, x = network(weights=None), floats(images, 224, 224, 3)
    predict = lambda: model.predict_on_batch(x)
    if images == 1:
        return each(predict, 5, 1e3)
    return samples_a_second(lambda: [predict() for _ in range(5)], 5 * images)


ROUNDS = {
    "W1 train": w1,
    "W1 latency": latency,
    "W2 train": w2,
    "W3 train": w3,
    "W4 train": w4,
    "W5 train": w5,
    "W6 train": w6,
    "W7 mobilenet_v2 x1": lambda: photographs(keras.applications.MobileNetV2, 1),
    "W7 mobilenet_v2 x8": lambda: photographs(keras.applications.MobileNetV2, 8),
    "W7 resnet50 x1": lambda: photographs(keras.applications.ResNet50, 1),
    "W7 resnet50 x8": lambda: photographs(keras.applications.ResNet50, 8),
}

if __name__ == "__main__":
    serve(ROUNDS, "keras", PACKAGES[os.environ["KERAS_BACKEND"]])
