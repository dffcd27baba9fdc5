"""What all peers in Python have in common: how they are asked, and the data they work on."""

import importlib.metadata
import sys
import time

import numpy as np

RANDOM = np.random.default_rng(1)


def floats(*shape):
    return RANDOM.uniform(-1, 1, shape).astype("float32")


def labels(classes, *shape, dtype="int32"):
    return RANDOM.integers(0, classes, shape).astype(dtype)


def seconds(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def samples_a_second(work, samples):
    """A round that does the work once."""
    return lambda: samples / seconds(work)


def each(work, times, scale):
    """A round that does the work many times: what one takes, in units of which a second has `scale`."""
    return lambda: scale * seconds(lambda: [work() for _ in range(times)]) / times


def serve(rounds, *packages):
    """Says `ready` and the versions of the packages when warm; then, for each line, does a round and answers its result.

    The last two arguments of the command line are the workload and the measure; `rounds` has under both, with a space
    between, what makes a round ready.
    """
    key = " ".join(sys.argv[-2:])
    if key not in rounds:
        sys.exit(f"there is no {key} here, only {', '.join(rounds)}")
    round = rounds[key]()
    # Compilers of the backends may work on after the first call has returned.
    round()
    round()
    print("ready", ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages), flush=True)
    for _ in sys.stdin:
        print(round(), flush=True)
