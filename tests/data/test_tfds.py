"""TFDS image sets: tiny ones written by TFDS itself under the real names, and the real MNIST."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests.data.prepared import prepare
from tfflows import data
from tfflows.data import pipeline
from tfflows.data.splits import split_ranges

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "tfds"
needs_mnist = pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason="no prepared MNIST")


def corners(loaded):
    batches = loaded.dataset.as_numpy_iterator()
    return [int(image[0, 0, 0]) for batch in batches for image in batch]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("tfds"))
    prepare(path, "cifar10", {"train": 40, "test": 10}, (32, 32, 3))
    faces = {"train": 3, "validation": 2, "test": 2}
    prepare(path, "celeb_a", faces, (218, 178, 3), label=False)
    imagenet = {"train": 20, "validation": 5}
    prepare(
        path,
        "downsampled_imagenet/32x32",
        imagenet,
        (32, 32, 3),
        label=False,
        fixed=(None, None, 3),
    )
    prepare(path, "varied", {"train": 5}, (4, 4, 1), fixed=(None, None, 1))
    prepare(path, "deep", {"train": 5}, (4, 4, 1), dtype=np.uint16)
    prepare(path, "speech", {"train": 5}, (4, 4, 1), key="picture")
    prepare(path, "held_out", {"test": 5}, (4, 4, 1))
    return path


@pytest.mark.parametrize(
    "name, shape, sizes",
    [
        ("cifar10", (32, 32, 3), (36, 4, 10)),
        ("celeb_a", (64, 64, 3), (3, 2, 2)),
        ("downsampled_imagenet/32x32", (32, 32, 3), (18, 2, 5)),
    ],
)
def test_every_set_has_three_splits_of_uint8_images(folder, name, shape, sizes):
    for split, size in zip(data.SPLITS, sizes, strict=True):
        loaded = data.load(name, split, 4, data_dir=folder)
        assert loaded[1:] == (shape, 256, size, None)
        assert loaded.dataset.element_spec == tf.TensorSpec((None, *shape), tf.uint8)
        assert sum(len(batch) for batch in loaded.dataset) == size


def test_validation_is_cut_from_the_end_of_train(folder):
    train = data.load("cifar10", "train", 4, data_dir=folder)
    assert sorted(corners(train)) == list(range(36)) and corners(train) != list(range(36))
    assert corners(data.load("cifar10", "validation", 4, data_dir=folder)) == [36, 37, 38, 39]
    assert corners(data.load("cifar10", "test", 4, data_dir=folder)) == list(range(10))


def test_labels_come_with_their_images(folder):
    loaded = data.load("cifar10", "train", 9, data_dir=folder, with_labels=True, augment="flip")
    plain = data.load("cifar10", "train", 9, data_dir=folder, with_labels=True)
    for images, labels in plain.dataset.as_numpy_iterator():
        np.testing.assert_array_equal(images[:, 0, 0, 0] % 10, labels)
    assert [spec.dtype for spec in loaded.dataset.element_spec] == [tf.uint8, tf.int64]


def test_faces_are_cropped_and_averaged(tmp_path):
    features = tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(218, 178, 3))})
    face = np.zeros((218, 178, 3), np.uint8)
    face[40:188, 15:163] = 100  # the crop, and nothing outside of it
    face[40:188, 15:89, 1] = 200  # its left half
    tfds.dataset_builders.store_as_tfds_dataset(
        name="celeb_a",
        version="1.0.0",
        features=features,
        split_datasets={split: [(i, {"image": face}) for i in range(3)] for split in data.SPLITS},
        data_dir=str(tmp_path),
    )
    image = next(iter(data.load("celeb_a", "test", data_dir=str(tmp_path)).dataset))[0].numpy()
    assert (image[..., 0] == 100).all() and (image[..., 2] == 100).all()
    assert (image[:, :32, 1] == 200).all() and (image[:, 32:, 1] == 100).all()


def test_a_large_set_is_shuffled_in_a_buffer_by_the_seed(folder, monkeypatch):
    monkeypatch.setattr(pipeline, "CACHE_BYTES", 0)
    once, again = (data.load("cifar10", "train", 4, data_dir=folder, seed=1) for _ in range(2))
    orders = [corners(once), corners(once), corners(again)]
    assert orders[0] == orders[2] != orders[1]
    assert all(sorted(order) == list(range(36)) for order in orders)


def test_the_newest_version_is_taken(tmp_path):
    for version in ("1.9.0", "1.10.0", "0.1.0.incompleteX"):
        (tmp_path / "mnist" / version).mkdir(parents=True)
        (tmp_path / "mnist" / version / "dataset_info.json").write_text("{}")
    from tfflows.data import images

    assert images._prepared_directory("mnist", str(tmp_path)) == str(tmp_path / "mnist" / "1.10.0")


@pytest.mark.parametrize("name", ["mnist", "downsampled_imagenet/64x64", "celeb_a"])
def test_a_set_that_is_not_there_fails_without_looking_for_a_network(name, tmp_path, monkeypatch):
    def no_builder(*arguments, **keywords):
        raise AssertionError("asked TFDS for a builder, which may go to the network")

    monkeypatch.setattr(tfds, "builder", no_builder)
    monkeypatch.setattr(tfds, "load", no_builder)
    command = f"tfds build {name} --data_dir={tmp_path}"
    with pytest.raises(FileNotFoundError, match=command) as caught:
        data.load(name, data_dir=str(tmp_path))
    assert f"Received: name={name!r}, data_dir={str(tmp_path)!r}" in str(caught.value)


def test_the_default_folder_is_that_of_tfds(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets"))
    with pytest.raises(FileNotFoundError, match=f"prepared in {tmp_path}/sets; .*data_dir=None"):
        data.load("mnist")


@pytest.mark.parametrize(
    "name, message",
    [
        ("varied", r"uint8 images of one fixed size .*name='varied', shape=\(None, None, 1\)"),
        ("deep", r"uint8 images of one fixed size .*name='deep', .*dtype=uint16"),
        ("speech", r"Expected a dataset with the feature 'image'.*name='speech', .*'picture'"),
        ("held_out", r"Expected a dataset with a train split .*name='held_out', .*'test': 5"),
    ],
)
def test_a_set_of_no_use_is_refused(folder, name, message):
    with pytest.raises(ValueError, match=message):
        data.load(name, data_dir=folder)


def test_labels_that_are_not_there_are_refused(folder):
    with pytest.raises(ValueError, match="Expected a dataset with the feature 'label'.*celeb_a"):
        data.load("celeb_a", data_dir=folder, with_labels=True)


@pytest.mark.parametrize(
    "name, sizes, expected",
    [
        ("mnist", (60_000, 0, 10_000), [(0, 50_000), (50_000, 60_000), (0, 10_000)]),
        ("cifar10", (50_000, 0, 10_000), [(0, 45_000), (45_000, 50_000), (0, 10_000)]),
        ("celeb_a", (162_770, 19_867, 19_962), [(0, 162_770), (0, 19_867), (0, 19_962)]),
        (
            "downsampled_imagenet/64x64",
            (1_281_149, 49_999, 0),
            [(0, 1_271_149), (1_271_149, 1_281_149), (0, 49_999)],
        ),
        ("only_train", (100, 0, 0), [(0, 81), (81, 90), (90, 100)]),
    ],
)
def test_the_sizes_of_the_real_sets(name, sizes, expected):
    ranges = split_ranges(name, dict(zip(data.SPLITS, sizes, strict=True)))
    assert [ranges[split][1:] for split in data.SPLITS] == expected


@needs_mnist
def test_mnist_padded_for_a_deep_model():
    sizes = {}
    for split in data.SPLITS:
        loaded = data.load("mnist", split, 64, data_dir=str(SHARED), pad_to=32, shuffle=False)
        sizes[split] = loaded.num_examples
        images = next(iter(loaded.dataset)).numpy()
        assert images.shape == (64, 32, 32, 1) and images.dtype == np.uint8
        assert images.max() == 255 and images[:, :2].max() == 0 and images[:, :, 30:].max() == 0
    assert sizes == {"train": 50_000, "validation": 10_000, "test": 10_000}
