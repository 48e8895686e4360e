"""Runs whose files cannot be read end with one line that has the file and the record."""

import shutil

import pytest
import tensorflow as tf

from tests.data import damage
from tests.data.prepared import prepare
from tests.trainers import command
from trainers import evaluate, reading, trainer

SMALL = ("--dataset=cifar10", "--smoke", "--epochs=1", "--steps_per_epoch=2", "--verbose=0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tfds")
    prepare(str(path), "cifar10", {"train": 40, "test": 10}, (8, 8, 3))
    return path


@pytest.fixture
def sets(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "sets")
    return tmp_path / "sets"


def arguments(sets, tmp_path, *others):
    return (f"--workdir={tmp_path / 'run'}", f"--data_dir={sets}", *SMALL, *others)


def run(model, *flags):
    """What a trainer's program does, in this process."""
    settings = command.parsed(model, *flags)
    with reading.named_files(settings):
        made = trainer.Run(command.RECIPES[model], settings)
        made.prepare()
        made.finish()


# The files of the train split have 4 images each, the last file those of the validation split.
@pytest.mark.parametrize(
    "split, index, kind",
    [("train", 3, kind) for kind in damage.KINDS]
    + [("train", 9, "flipped bit"), ("train", 9, "no image"), ("test", 0, "missing")],
)
def test_the_file_is_named(split, index, kind, sets, tmp_path):
    """Of training, validation and the report."""
    file = damage.file(sets, split, index)
    damage.make(file, kind)
    record, reason = damage.KINDS[kind]
    with pytest.raises(OSError) as caught:
        run("nice", *arguments(sets, tmp_path))
    place = f"file={str(file)!r}" + ("" if record is None else f", record={record}, counted from 0")
    message = f"Expected files of cifar10 that can be read. Received: {place}: {reason}"
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def refused(process, text):
    """Checks that a program has ended with a line that has a text, after remarks of TFDS's."""
    assert (process.returncode, "Traceback" in process.stderr) == (1, False)
    assert text in process.stderr.splitlines()[-1]


def test_programs_end_with_one_line(sets, tmp_path):
    flags = arguments(sets, tmp_path)
    run("nice", *flags)
    file = damage.file(sets, "test", 1)
    damage.make(file, "truncated")
    with pytest.raises(OSError, match=f"{file.name}', record=0, counted from 0: truncated"):
        evaluate.evaluate(tmp_path / "run", "test", data_dir=str(sets))
    damage.make(damage.file(sets, "train", 3), "flipped bit")
    process = command.program("nice", f"--workdir={tmp_path / 'other'}", *flags[1:])
    refused(process, "tfrecord-00003-of-00010', record=2, counted from 0: corrupted record at")


def test_labels_that_are_none(sets, tmp_path):
    """TFDS gives -1 to examples whose label is not public; here one of the validation split."""
    damage.relabel(damage.file(sets, "train", 9), 1, -1)
    flags = arguments(sets, tmp_path, "--class_conditional", "--levels=1", "--depth=1")
    words = "Expected labels of data from 0 to 9. Received: labels[1]=-1, example 1 of batch 0"
    refused(command.program("glow", *flags), f"glow: {words}, counted from 0")


def test_errors_of_no_file_stay_what_they_are(sets, tmp_path):
    for flags in (arguments(sets, tmp_path), (*command.SMALL, f"--workdir={tmp_path}")):
        settings = command.parsed("nice", *flags)
        with (
            pytest.raises(tf.errors.InvalidArgumentError, match="^something else$"),
            reading.named_files(settings),
        ):
            raise tf.errors.InvalidArgumentError(None, None, "something else")
