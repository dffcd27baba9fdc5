"""Does a workload with PyTorch: `python torch_fit.py FORM WORKLOAD MEASURE`.

The forms are `eager`, as PyTorch is by default; `tuned`, with fused optimizers and images with their channels last;
and `compiled`, which is tuned and goes through `torch.compile`. Training is the loop that PyTorch's users write, over
batches that are drawn in a new order in each epoch, as Keras's `fit` draws them. Models and sizes are those of
`src/workloads/`; convolutions and products have the same shapes.

The variable PEER_DEVICE says where: `cpu`, or `cuda`. On a GPU, `eager` moves each batch there, as data that comes from a
loader is moved, and the other forms keep all data there from the beginning.
"""

import os
import sys

import torch
import torch.nn.functional as F
from companion import each, floats, labels, samples_a_second, seconds, serve
from torch import nn

FORM = sys.argv[1]
IS_TUNED = FORM in ("tuned", "compiled")
DEVICE = torch.device(os.environ.get("PEER_DEVICE", "cpu"))
if IS_TUNED and DEVICE.type == "cpu":
    torch.set_num_threads(len(os.sched_getaffinity(0)))


def prepared(model):
    model = model.to(DEVICE)
    if IS_TUNED:
        model = model.to(memory_format=torch.channels_last)
    return torch.compile(model) if FORM == "compiled" else model


def images(count, channels, size):
    x = torch.from_numpy(floats(count, channels, size, size))
    return x.contiguous(memory_format=torch.channels_last) if IS_TUNED else x


def adam(model):
    # Keras's epsilon; PyTorch's other arguments are Keras's.
    return torch.optim.Adam(model.parameters(), eps=1e-7, fused=IS_TUNED or None)


def fit(model, optimizer, loss, x, y, batch_size, epochs=1):
    """A round of training."""
    if IS_TUNED:
        x, y = x.to(DEVICE), y.to(DEVICE)

    def work():
        for _ in range(epochs):
            total = torch.zeros((), device=DEVICE)
            for rows in torch.randperm(len(x), device=x.device).split(batch_size):
                optimizer.zero_grad(set_to_none=True)
                value = loss(model(x[rows].to(DEVICE)), y[rows].to(DEVICE))
                value.backward()
                optimizer.step()
                total += value.detach()
            # Keras tells the loss of each epoch.
            total.item()

    return work


def epoch(model, optimizer, loss, x, y, batch_size):
    return samples_a_second(fit(model, optimizer, loss, x, y, batch_size), len(x))


def whole(classes, *shape):
    return torch.from_numpy(labels(classes, *shape, dtype="int64"))


def w1_network():
    sizes = nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    return nn.Sequential(*sizes)


def w1():
    model = prepared(w1_network())
    return epoch(model, adam(model), F.cross_entropy, torch.from_numpy(floats(12_800, 784)), whole(10, 12_800), 128)


def latency():
    if IS_TUNED and DEVICE.type == "cpu":
        # Waking a second thread costs more than it saves here.
        torch.set_num_threads(1)
    model, x = prepared(nn.Sequential(w1_network(), nn.Softmax(-1)).eval()), floats(1, 784)

    def predict():
        with torch.inference_mode():
            return model(torch.from_numpy(x).to(DEVICE)).cpu().numpy()

    return each(predict, 1_000, 1e6)


def w2():
    model = prepared(nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1_600, 10),
    ))
    return epoch(model, adam(model), F.cross_entropy, images(2_560, 1, 28), whole(10, 2_560), 128)


class Reviews(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20_000, 128)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.dense = nn.Linear(128, 1)

    def forward(self, words):
        states, _ = self.lstm(self.embedding(words))
        return self.dense(states[:, -1])


def w3():
    model = prepared(Reviews())
    y = torch.from_numpy(labels(2, 640, 1, dtype="float32"))
    return epoch(model, adam(model), F.binary_cross_entropy_with_logits, whole(20_000, 640, 80), y, 32)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_dense = nn.LayerNorm(width, 1e-3), nn.LayerNorm(width, 1e-3)
        # Queries, keys and values in one product.
        self.projections, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(self, x):
        batch, steps, width = x.shape
        projected = self.projections(self.before_attention(x)).view(batch, steps, 3, self.heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.joined(seen.transpose(1, 2).reshape(batch, steps, width))
        return x + self.dense(self.before_dense(x))


class Transformer(nn.Module):
    def __init__(self, words, steps, width, heads):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.places = nn.Parameter(torch.empty(steps, width).uniform_(-0.05, 0.05))
        self.blocks = nn.Sequential(Block(width, heads), Block(width, heads))
        self.normal, self.dense = nn.LayerNorm(width, 1e-3), nn.Linear(width, words)

    def forward(self, words):
        x = self.blocks(self.embedding(words) + self.places)
        return self.dense(self.normal(x)).flatten(0, 1)


def w4():
    words, steps = 8_000, 128
    model = prepared(Transformer(words, steps, 128, 4))
    loss = lambda scores, next: F.cross_entropy(scores, next.flatten())
    return epoch(model, adam(model), loss, whole(words, 160, steps), whole(words, 160, steps), 16)


def convolved(inputs, filters, size, stride):
    conv = nn.Conv2d(inputs, filters, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01))


class Residual(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        is_same = stride == 1 and inputs == filters
        self.first, self.second = convolved(inputs, filters, 3, stride), convolved(filters, filters, 3, 1)
        self.shortcut = nn.Identity() if is_same else convolved(inputs, filters, 1, stride)

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.second(F.relu(self.first(x))))


def w5():
    parts, inputs = [convolved(3, 16, 3, 1), nn.ReLU()], 16
    for stage, filters in enumerate((16, 32, 64)):
        for number in range(3):
            parts.append(Residual(inputs, filters, 2 if stage > 0 and number == 0 else 1))
            inputs = filters
    model = prepared(nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, fused=IS_TUNED or None)
    return epoch(model, optimizer, F.cross_entropy, images(320, 3, 32), whole(10, 320), 64)


def w6():
    model = prepared(nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 1)))
    x, y = torch.from_numpy(floats(1_000, 9)), torch.from_numpy(floats(1_000, 1))
    work = fit(model, adam(model), F.mse_loss, x, y, 32, epochs=50)
    return lambda: seconds(work)


ROUNDS = {
    "W1 train": w1,
    "W1 latency": latency,
    "W2 train": w2,
    "W3 train": w3,
    "W4 train": w4,
    "W5 train": w5,
    "W6 train": w6,
}

if __name__ == "__main__":
    serve(ROUNDS, "torch")
