"""Deterministic runs, small and of all kinds, that are cut and compared with others bit for bit."""

import json
import zipfile

import pytest

from tests.trainers import command, left
from trainers import progress

# Three epochs of four steps, the learning rate, averages and clipping all at work.
COMMON = (
    *("--smoke", "--verbose=0", "--deterministic", "--epochs=3", "--steps_per_epoch=4"),
    *("--ema_momentum=0.7", "--clip_norm=1", "--schedule=cosine", "--warmup_steps=5"),
    "--samples_every=99",
)
# By name, the model and its flags.
RUNS = {
    "realnvp": ("realnvp", "--dataset=two_moons", "--num_points=200"),  # with batch normalization
    "glow": ("glow", "--augment=affine", "--depth=1", "--levels=1"),
    "nice": ("nice", "--augment=shift", "--dropout=0.3"),  # its generators are in no file of Keras
}
DEEP = {
    "variational": ("glow", "--augment=affine", "--dequantizer=variational"),
    "classes": ("glow", "--class_conditional", "--depth=1", "--levels=1"),
    "bfloat16": ("realnvp", "--levels=1", "--precision=mixed_bfloat16", "--recompute"),
    "uncached": ("nice", "--augment=affine"),
}


class Cut(BaseException):
    """What ends a run as if it had been killed."""


def prepared(name, folder, *arguments, common=COMMON):
    model, *flags = {**RUNS, **DEEP}[name]
    return command.prepared(model, folder, *common, *flags, *arguments)


def train(name, folder, *arguments):
    prepared(name, folder, *arguments).fit()


def raise_after(monkeypatch, method, times):
    """Has a method of `Progress` raise `Cut` after so many calls."""
    original, left = getattr(progress.Progress, method), [times]

    def cutting(*args, **kwargs):
        result = original(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            raise Cut
        return result

    monkeypatch.setattr(progress.Progress, method, cutting)


def cut(monkeypatch, name, folder, method, times, *arguments):
    with monkeypatch.context() as patch, pytest.raises(Cut):
        raise_after(patch, method, times)
        train(name, folder, *arguments)


def position(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("run.json"))


def without_entry(file, other=None):
    """Takes the position out of a checkpoint, or puts another text in its place."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != "run.json"}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**entries, **({"run.json": other} if other else {})}.items():
            archive.writestr(name, content)


def assert_equal(ours, theirs):
    """All that the two runs have left is equal, but for times."""
    for name in ("last.keras", "best.keras"):
        our, their = left.arrays(ours / name), left.arrays(theirs / name)
        assert our.keys() == their.keys()
        assert not [key for key in our if our[key].tobytes() != their[key].tobytes()], name
    assert left.rows(ours) == left.rows(theirs)
    our, their = (position(folder / "last.keras") for folder in (ours, theirs))
    assert our.pop("seconds") >= 0 and their.pop("seconds") >= 0 and our == their
