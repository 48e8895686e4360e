"""The embedded digits: a split that never changes, and the batches made from it."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from tfflows import data

SIZES = {"train": 1257, "validation": 180, "test": 360}


def images_of(split, **arguments):
    loaded = data.load("digits", split, 100, **arguments)
    return np.concatenate([np.asarray(batch) for batch in loaded.dataset])


def rows(images):
    return sorted(image.tobytes() for image in images)


@pytest.mark.parametrize("split", data.SPLITS)
def test_what_load_says_is_what_the_batches_hold(split):
    loaded = data.load("digits", split, 50)
    assert loaded[1:] == ((8, 8, 1), 17, SIZES[split], None)
    assert loaded.dataset.element_spec == tf.TensorSpec((None, 8, 8, 1), tf.uint8)
    images = images_of(split)
    assert images.shape == (SIZES[split], 8, 8, 1)
    assert images.min() == 0 and images.max() == 16


def test_the_splits_are_disjoint_and_cover_the_set():
    everything = load_digits().images.astype(np.uint8)
    # No two of the 1,797 digits are the same, so comparing their bytes compares the examples.
    assert len(set(rows(everything))) == 1797
    assert rows(np.concatenate([images_of(split) for split in data.SPLITS])) == rows(everything)


def test_the_test_split_never_changes():
    digest = hashlib.sha256(images_of("test").tobytes()).hexdigest()
    assert digest[:16] == "3f7861556ece6640"


def test_labels_belong_to_their_images():
    bunch = load_digits()
    pairs = zip(bunch.images.astype(np.uint8), bunch.target, strict=True)
    label_of = {image.tobytes(): label for image, label in pairs}
    loaded = data.load("digits", "train", 100, with_labels=True, augment=None)
    for images, labels in loaded.dataset.as_numpy_iterator():
        assert labels.dtype == np.int64
        assert [label_of[image.tobytes()] for image in images] == labels.tolist()


@pytest.mark.parametrize("split", data.SPLITS)
def test_every_split_has_its_share_of_every_class_in_mixed_order(split):
    loaded = data.load("digits", split, 2000, with_labels=True, shuffle=False)
    labels = next(iter(loaded.dataset))[1].numpy()
    share = np.bincount(load_digits().target) * SIZES[split] / 1797
    np.testing.assert_allclose(np.bincount(labels), share, atol=2)
    assert len(set(labels[:50].tolist())) == 10
