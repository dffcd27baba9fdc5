"""Predicts with onnxruntime on the CPU: `python onnx_predict.py FOLDER WORKLOAD MEASURE`.

FOLDER is where `onnx_models.py` wrote the networks. The session is onnxruntime's default: all optimizations of graphs,
a thread for each core.
"""

import pathlib
import sys

import onnxruntime
from companion import each, floats, samples_a_second, serve

FOLDER = pathlib.Path(sys.argv[1])


def photographs(network, images):
    path = FOLDER / f"{network}_x{images}.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {"x": floats(images, 3, 224, 224)}
    predict = lambda: session.run(None, given)
    if images == 1:
        return each(predict, 5, 1e3)
    return samples_a_second(lambda: [predict() for _ in range(5)], 5 * images)


ROUNDS = {
    f"W7 {network} x{images}": lambda network=network, images=images: photographs(network, images)
    for network in ("mobilenet_v2", "resnet50")
    for images in (1, 8)
}

if __name__ == "__main__":
    serve(ROUNDS, "onnxruntime")
