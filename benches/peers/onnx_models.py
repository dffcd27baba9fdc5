"""Writes the networks of W7 as ONNX files of fixed batch sizes: `python onnx_models.py FOLDER`.

They are torchvision's, changed to what Keras's applications compute where that is another amount of work: Keras's
ResNet50 has its strides in the first convolution of a block, not in the second, and both end in a softmax.
"""

import pathlib
import sys

import torch
import torchvision
from torch import nn


def resnet50():
    model = torchvision.models.resnet50(weights=None)
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return model


def mobilenet_v2():
    return torchvision.models.mobilenet_v2(weights=None)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for make in (mobilenet_v2, resnet50):
        model = nn.Sequential(make(), nn.Softmax(-1)).eval()
        for images in (1, 8):
            path = folder / f"{make.__name__}_x{images}.onnx"
            if not path.exists():
                given = torch.zeros(images, 3, 224, 224)
                torch.onnx.export(model, (given,), str(path), input_names=["x"], external_data=False)


if __name__ == "__main__":
    main()
