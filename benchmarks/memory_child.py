"""Measures the memory of one model's training step, in a process made for it: see `memory`."""

import ctypes
import gc
import json
import pathlib
import statistics
import sys

import trainers  # noqa: F401  before TensorFlow, whose start-up remarks it holds back

# isort: split
from benchmarks import parts, settings

WARM_UP = 3
_STATUS = pathlib.Path("/proc/self/status")


def measure(chosen, steps):
    """Returns bytes: before the steps, their peaks above that, and of the weights."""
    flow = parts.make_flow(chosen)
    step = parts.training(flow, parts.images(chosen))
    for _ in range(WARM_UP):
        step()
    rows = [_peak(step) for _ in range(steps)]
    before, peaks = zip(*rows, strict=True)
    weights = sum(v.numpy().nbytes for v in flow.trainable_variables)
    return {
        "before": statistics.median(before),
        "peak": statistics.median(peaks),
        "least": min(peaks),
        "most": max(peaks),
        "weights": weights,
    }


def _peak(step):
    """Runs a step; returns the resident bytes before it, and how far it rose above them."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # forgets the highest so far
    before = _status("VmRSS")
    step()
    return before, _status("VmHWM") - before


def _status(key):
    lines = (line.split() for line in _STATUS.read_text().splitlines())
    return next(1024 * int(line[1]) for line in lines if line[0] == f"{key}:")


if __name__ == "__main__":
    question = json.loads(sys.argv[1])
    print(json.dumps(measure(settings.Settings(**question["settings"]), question["steps"])))
