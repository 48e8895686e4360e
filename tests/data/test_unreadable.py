"""Damaged files of TFDS datasets: which record of which file it is."""

import shutil

import pytest
import tensorflow as tf

from tests.data import damage
from tests.data.prepared import prepare
from tfflows import data
from tfflows.data.splits import split_ranges


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A set of ten files of 4 images each, of which 36 are the train split, and a test split."""
    path = tmp_path_factory.mktemp("tfds")
    prepare(str(path), "cifar10", {"train": 40, "test": 10}, (8, 8, 3))
    return path


@pytest.mark.parametrize("kind", damage.KINDS)
def test_the_record_is_found(kind, folder, tmp_path):
    record, reason = damage.KINDS[kind]
    shutil.copytree(folder, tmp_path / "sets")
    file = damage.file(tmp_path / "sets", "train", 3)
    damage.make(file, kind)
    found = data.find_unreadable("cifar10", "train", data_dir=tmp_path / "sets")
    assert (found.file, found.record) == (str(file), record)
    assert found.reason.startswith(reason)
    place = f"file={str(file)!r}" + ("" if record is None else f", record={record}")
    assert str(found).startswith(place) and "\n" not in str(found)
    # The records of the others are whole, and those of the splits that have no part of the file.
    for split in ("validation", "test"):
        assert data.find_unreadable("cifar10", split, data_dir=tmp_path / "sets") is None
    with pytest.raises(tf.errors.OpError):  # which says nothing of a file
        list(data.load("cifar10", "train", data_dir=str(tmp_path / "sets")).dataset)


def test_a_whole_set_has_none(folder):
    for split in data.SPLITS:
        assert data.find_unreadable("cifar10", split, data_dir=folder) is None


def test_a_split_is_read_as_far_as_it_goes(folder, tmp_path):
    """The last file has the 4 images of the validation split."""
    shutil.copytree(folder, tmp_path / "sets")
    file = damage.file(tmp_path / "sets", "train", 9)
    damage.make(file, "no image")
    assert data.find_unreadable("cifar10", "train", data_dir=tmp_path / "sets") is None
    found = data.find_unreadable("cifar10", "validation", data_dir=tmp_path / "sets")
    assert (found.file, found.record) == (str(file), 2)


def test_a_split_without_examples():
    """The set's own is none then, and its part is cut from the train split."""
    ranges = split_ranges("any", {"train": 9, "validation": 0, "test": 0})
    assert all(ranges[split][0] == "train" for split in data.SPLITS)
    with pytest.raises(ValueError, match="a train split of at least 3 examples. .*'train': 0"):
        split_ranges("any", {"train": 0, "test": 5})


@pytest.mark.parametrize(
    "arguments, kind, message",
    [
        ((3,), TypeError, "Expected name to be a string. Received: name=3"),
        (("cifar10", "all"), ValueError, "split to be one of train.* Received: split='all'"),
        (("cifar10", ["train"]), ValueError, "Received: split="),
        (("svhn_cropped",), FileNotFoundError, "the TFDS dataset svhn_cropped to be prepared"),
        (("nothing",), ValueError, "Received: name='nothing'"),
    ],
)
def test_refused(arguments, kind, message, folder):
    with pytest.raises(kind, match=message):
        data.find_unreadable(*arguments, data_dir=folder)


def test_other_files_are_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "sets")
    info = next((tmp_path / "sets").rglob("dataset_info.json"))
    info.write_text(info.read_text().replace('"tfrecord"', '"array_record"'))
    with pytest.raises(ValueError, match="in TFRecord files. .*file_format='array_record'"):
        data.find_unreadable("cifar10", data_dir=tmp_path / "sets")
