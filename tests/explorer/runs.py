"""Folders of runs with small models that nobody trained, for the page to show."""

import json

import numpy as np

from tests.models import flows
from tfflows import data


def digits(folder, **options):
    """Writes what a run on digits leaves, and returns its model."""
    flow = flows.trained("glow", (8, 8, 1), **options)
    x, labels = next(iter(data.load("digits", "train", 60, with_labels=True).dataset))
    if flow.classes is None:
        flow.calibrate(x)
    else:
        flow.calibrate({"x": x, "condition": labels})
    config = {"class_conditional": True} if flow.classes else {}
    return _write(folder, flow, dataset="digits", **config)


def moons(folder):
    """Writes what a run on the two moons leaves, and returns its model."""
    flow = flows.trained("realnvp", (2,), bins=None)
    return _write(folder, flow, dataset="two_moons", num_points=100)


def absent(folder):
    """Writes what a run on a dataset that is not here leaves, padded; returns its model."""
    return _write(folder, flows.trained("nice"), dataset="mnist", pad_to=32)


def _write(folder, flow, **config):
    folder.mkdir()
    config = {"model": type(flow).__name__.lower(), "batch_size": 20, **config}
    (folder / "config.json").write_text(json.dumps(config))
    flow.save(folder / "best.keras")
    return flow


def examples(dataset, count=24, **options):
    """The first examples of the test split."""
    batch = next(iter(data.load(dataset, "test", count, **options).dataset))
    return np.asarray(batch)
