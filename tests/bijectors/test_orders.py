"""The orders of Permute, Squeeze and Reshape, written out."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import bijectors as tfb


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("reverse", [14, 13, 12, 11, 10]),
        ("even_odd", [10, 12, 14, 11, 13]),
        ([3, 0, 1, 4, 2], [13, 10, 11, 14, 12]),
        (np.array([0, 2, 1, 3, 4]), [10, 12, 11, 13, 14]),
    ],
)
def test_permute(order, expected):
    x = tf.constant([[10.0, 11, 12, 13, 14]])
    permute = tfb.Permute((5,), order)
    np.testing.assert_array_equal(permute.inverse(x), [expected])
    np.testing.assert_array_equal(permute.forward(tf.constant([expected], tf.float32)), x)


def test_permute_even_odd_of_an_even_length():
    z = tfb.Permute((6,), "even_odd").inverse(tf.range(6.0))
    np.testing.assert_array_equal(z, [0, 2, 4, 1, 3, 5])


def test_permute_acts_on_the_channels_of_an_image():
    x = tf.reshape(tf.range(12.0), [1, 2, 2, 3])
    np.testing.assert_array_equal(tfb.Permute((2, 2, 3)).inverse(x), np.array(x)[..., ::-1])


def test_shuffle_is_fixed_by_its_seed():
    def shuffled(**kwargs):
        return tfb.Permute((20,), "shuffle", **kwargs).inverse(tf.range(20.0)).numpy().tolist()

    assert sorted(shuffled()) == list(range(20))
    assert shuffled() == shuffled() == shuffled(seed=0) != shuffled(seed=1)
    assert shuffled() != list(range(20))


def test_squeeze_interleaved():
    """Channels a = 0..3 and b = 10..13 of one block: all of the first channel, then the second."""
    x = tf.constant([[[[0, 10], [1, 11]], [[2, 12], [3, 13]]]], tf.float32)
    z = tfb.Squeeze((2, 2, 2)).inverse(x)
    np.testing.assert_array_equal(z, [[[[0, 1, 2, 3, 10, 11, 12, 13]]]])


def test_squeeze_diagonal():
    """The two pixels of the main diagonal come first, each with all of its channels."""
    x = tf.constant([[[[0, 10], [1, 11]], [[2, 12], [3, 13]]]], tf.float32)
    z = tfb.Squeeze((2, 2, 2), order="diagonal").inverse(x)
    np.testing.assert_array_equal(z, [[[[0, 10, 3, 13, 1, 11, 2, 12]]]])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("interleaved", [[0, 1, 4, 5], [2, 3, 6, 7]]),
        ("diagonal", [[0, 5, 1, 4], [2, 7, 3, 6]]),
    ],
)
def test_squeeze_keeps_blocks_in_place(order, expected):
    x = tf.constant([[0, 1, 2, 3], [4, 5, 6, 7]], tf.float32)[..., None]
    np.testing.assert_array_equal(tfb.Squeeze((2, 4, 1), order=order).inverse(x), [expected])


def test_reshape_keeps_the_c_order():
    x = tf.reshape(tf.range(12.0), [1, 2, 3, 2])
    np.testing.assert_array_equal(tfb.Reshape((2, 3, 2)).inverse(x), [np.arange(12)])
    z = tfb.Reshape((2, 3, 2), (4, 3)).inverse(x)
    np.testing.assert_array_equal(z, np.arange(12).reshape(1, 4, 3))
