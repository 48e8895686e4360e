"""The noise that makes integers continuous: its law, and what it does and does not depend on."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows
from tfflows.models.dequantization import dequantize


def noise(x, seed=0, dtype=tf.float64):
    """The noise alone, of images."""
    return dequantize(tf.constant(x), 3, seed, dtype).numpy() - x


def correlation(a, b):
    return abs(np.corrcoef(a.ravel(), b.ravel())[0, 1])


IMAGES = flows.images(256, (8, 8, 1), bins=256)
CONSTANT = np.zeros((1, 64, 64, 1), np.uint8)


@pytest.mark.parametrize("x", [IMAGES, CONSTANT], ids=["images", "constant"])
def test_is_uniform(x):
    u = noise(x)
    assert u.min() > 0 and u.max() < 1
    counts = np.histogram(u, 16, (0, 1))[0]
    expected = u.size / 16
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 37.7  # 15 degrees of freedom, one case in a thousand
    assert len(np.unique(u)) > 0.9 * 2**15 * (1 - np.exp(-u.size / 2**15))


def test_is_uniform_at_each_place_over_images_and_over_seeds():
    for u in (noise(IMAGES), np.concatenate([noise(IMAGES[:1], seed) for seed in range(256)])):
        assert abs(u.mean(axis=0) - 0.5).max() < 5 * (12 * 256) ** -0.5
        assert abs(u.std(axis=0) - 12**-0.5).max() < 0.06


def test_neighbours_are_uncorrelated():
    for x in (IMAGES, CONSTANT):
        u, limit = noise(x), 4 / np.sqrt(x.size)
        assert correlation(u[:, :-1], u[:, 1:]) < limit
        assert correlation(u[:, :, :-1], u[:, :, 1:]) < limit


def test_images_that_differ_in_one_pixel_have_other_noise():
    other = IMAGES.copy()
    other[:, 3, 4] ^= 1
    swapped = IMAGES.copy()
    swapped[:, [0, 1]] = swapped[:, [1, 0]]
    for changed in (other, swapped):
        assert correlation(noise(IMAGES), noise(changed)) < 4 / np.sqrt(IMAGES.size)


def test_seeds_have_other_noise():
    for seed in (1, 2, 2**31, 2**32 - 1):
        assert correlation(noise(IMAGES), noise(IMAGES, seed)) < 4 / np.sqrt(IMAGES.size)


def test_depends_on_the_image_and_the_seed_alone():
    whole = noise(IMAGES, 5)
    np.testing.assert_array_equal(noise(IMAGES[7:8], 5)[0], whole[7])
    np.testing.assert_array_equal(noise(IMAGES[::-1], 5)[::-1], whole)
    grid = dequantize(tf.reshape(IMAGES, [16, 16, 8, 8, 1]), 3, 5, tf.float64)
    np.testing.assert_array_equal(tf.reshape(grid, IMAGES.shape) - IMAGES, whole)
    for dtype in (np.int32, np.int64):
        np.testing.assert_array_equal(noise(IMAGES.astype(dtype), 5), whole)


def test_no_sum_reaches_the_next_integer_in_float32():
    x = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)
    for seed in range(20):
        value = dequantize(tf.constant(x), 3, seed, tf.float32).numpy()
        assert (np.floor(value) == x).all() and (value > x).all()
    # The largest noise there is, on the largest integer.
    assert np.float32(255) + np.float32((2**15 - 0.5) / 2**15) < 256


def test_compiled_code_gives_the_same():
    compiled = tf.function(lambda x, s: dequantize(x, 3, s, tf.float32), jit_compile=True)
    for seed in (0, 3, 2**31):
        expected = dequantize(tf.constant(IMAGES), 3, seed, tf.float32)
        np.testing.assert_array_equal(
            compiled(tf.constant(IMAGES), tf.constant(seed, tf.int64)), expected
        )


def test_vectors_and_large_counts():
    x = np.random.default_rng(0).integers(0, 2**16, (1000, 5))
    value = dequantize(tf.constant(x), 1, 0, tf.float64).numpy()
    assert (np.floor(value) == x).all()
    assert abs((value - x).mean() - 0.5) < 0.02
