"""Augmentations: what they may do to an image, each on images where the answer is known."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import data
from tfflows.data import augmentation

SEED = (3, 4)


def random_images(count=64, height=8, width=10, channels=3, high=17):
    rng = np.random.default_rng(0)
    return rng.integers(0, high, (count, height, width, channels)).astype(np.uint8)


def shifted(image, down, right):
    """The image moved by whole pixels, the edge repeated."""
    pad = np.pad(image, ((3, 3), (3, 3), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    return pad[3 - down : 3 - down + height, 3 - right : 3 - right + width]


@pytest.mark.parametrize("name", data.AUGMENTATIONS)
def test_shape_dtype_and_range_are_kept(name):
    images = random_images()
    moved = augmentation.augmentation(name)(images, SEED)
    assert moved.shape == images.shape and moved.dtype == tf.uint8
    assert tf.reduce_max(moved) <= 16
    assert not np.array_equal(moved, images)


@pytest.mark.parametrize("name", data.AUGMENTATIONS)
def test_the_seed_decides_and_the_batch_size_may_be_unknown(name):
    function = augmentation.augmentation(name)
    spec = tf.TensorSpec((None, 8, 10, 3), tf.uint8)
    traced = tf.function(function, input_signature=(spec, tf.TensorSpec((2,), tf.int64)))
    images = random_images()
    once = traced(images, tf.constant((1, 2), tf.int64))
    np.testing.assert_array_equal(once, traced(images, tf.constant((1, 2), tf.int64)))
    assert not np.array_equal(once, traced(images, tf.constant((1, 3), tf.int64)))
    assert traced.get_concrete_function().output_shapes.as_list() == [None, 8, 10, 3]


def test_shift_moves_by_at_most_a_tenth_and_in_all_directions():
    images = random_images(count=200, height=20, width=8, channels=1, high=256)
    moved = augmentation.shift(images, SEED).numpy()
    found = set()
    for before, after in zip(images, moved, strict=True):
        moves = [(d, r) for d in range(-3, 4) for r in range(-2, 3)]
        matches = [m for m in moves if np.array_equal(shifted(before, *m), after)]
        assert len(matches) == 1
        found.add(matches[0])
    assert found == {(d, r) for d in range(-2, 3) for r in range(-1, 2)}


def test_flip_mirrors_about_half_of_the_images():
    images = random_images(count=400)
    moved = augmentation.flip(images, SEED).numpy()
    mirrored = (moved == images[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (moved == images).all(axis=(1, 2, 3))
    assert (mirrored ^ kept).all()
    assert 150 < mirrored.sum() < 250


def test_affine_keeps_half_of_the_images_and_hardly_moves_the_others():
    rows, columns = np.mgrid[:28, :28]
    blob = 255 * np.exp(-((rows - 10) ** 2 + (columns - 16) ** 2) / 30)
    images = np.repeat(blob.astype(np.uint8)[None, ..., None], 400, axis=0)
    moved = augmentation.affine(images, SEED).numpy()[..., 0].astype(float)
    kept = (moved == images[..., 0]).all(axis=(1, 2))
    assert 150 < kept.sum() < 250

    def centres(pixels):
        mass = pixels.sum(axis=(1, 2))
        return (pixels * rows).sum((1, 2)) / mass, (pixels * columns).sum((1, 2)) / mass

    down, right = (after - before for after, before in zip(centres(moved), (10, 16), strict=True))
    distance = np.hypot(down, right)[~kept]
    # 3 percent of 28 both ways, and the turn, scale and shear of a point 4.3 off the centre.
    assert 0.3 < distance.mean() and distance.max() < 2.2
    assert abs(down[~kept].mean()) < 0.2 and abs(right[~kept].mean()) < 0.2


def test_a_combination_does_both():
    images = random_images(count=100, height=8, width=8, channels=1)
    moved = augmentation.augmentation("flip+shift")(images, SEED).numpy()
    moves = [(d, r) for d in (-1, 0, 1) for r in (-1, 0, 1)]
    found = set()
    for before, after in zip(images, moved, strict=True):
        options = [(f, m) for f in (1, -1) for m in moves]
        matches = [(f, m) for f, m in options if np.array_equal(shifted(before[:, ::f], *m), after)]
        assert len(matches) == 1
        found.update(matches)
    assert {f for f, _ in found} == {1, -1} and {m for _, m in found} == set(moves)
