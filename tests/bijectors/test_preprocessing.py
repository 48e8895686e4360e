"""Rescale, Logit and DiagonalScale: their formulas, and the ends of the interval."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import bijectors as tfb


def test_rescale():
    rescale = tfb.Rescale((3,), 4.0, -1.0)
    z, log_det = rescale.inverse_and_log_det(tf.constant([0.0, 0.5, 2.0]))
    np.testing.assert_allclose(z, [-1, 1, 7])
    np.testing.assert_allclose(log_det, 3 * np.log(4), rtol=1e-6)


def test_the_log_det_of_a_negative_scale_is_that_of_its_size():
    _, log_det = tfb.Rescale((2, 2, 3), -0.5).forward_and_log_det(tf.zeros([2, 2, 3]))
    np.testing.assert_allclose(log_det, 12 * np.log(2), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0, 0.0, 1e-6, 0.05, 0.3])
def test_logit(alpha):
    x = np.random.default_rng(0).uniform(0.01, 0.99, (4, 3))
    z, log_det = tfb.Logit((3,), alpha).inverse_and_log_det(x)
    p = alpha + (1 - 2 * alpha) * x
    np.testing.assert_allclose(z, np.log(p / (1 - p)))
    slope = (1 - 2 * alpha) / (p * (1 - p))
    np.testing.assert_allclose(log_det, np.log(slope).sum(axis=1))


def test_logit_is_finite_at_the_ends_of_the_interval():
    z, log_det = tfb.Logit((2,)).inverse_and_log_det(tf.constant([[0.0, 1.0]]))
    np.testing.assert_allclose(z, [[-np.log(19), np.log(19)]], rtol=1e-5)
    assert np.isfinite(log_det).all()


@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_logit_of_far_latents_stays_in_the_interval(alpha):
    x, log_det = tfb.Logit((2,), alpha).forward_and_log_det(tf.constant([[-80.0, 80.0]]))
    edge = alpha / (1 - 2 * alpha)
    np.testing.assert_allclose(x, [[-edge, 1 + edge]], atol=1e-6)
    np.testing.assert_allclose(log_det, -160 - 2 * np.log(1 - 2 * alpha), rtol=1e-6)


def test_diagonal_scale():
    layer = tfb.DiagonalScale((2, 2), dtype=tf.float64)
    layer.log_scale.assign([[0.1, -0.2], [0.3, 0.5]])
    x = np.arange(8.0).reshape(2, 2, 2)
    z, log_det = layer.inverse_and_log_det(x)
    np.testing.assert_allclose(z, x * np.exp([[0.1, -0.2], [0.3, 0.5]]))
    np.testing.assert_allclose(log_det, 0.7)


def test_diagonal_scale_starts_as_the_identity():
    x = tf.random.normal([3, 4])
    z, log_det = tfb.DiagonalScale((4,)).inverse_and_log_det(x)
    np.testing.assert_array_equal(z, x)
    assert log_det == 0


@pytest.mark.parametrize("batch", [(30,), (5, 6)])
def test_diagonal_scale_initialized_gives_every_element_the_mean_square_one(batch):
    layer = tfb.DiagonalScale((2, 2), dtype=tf.float64)
    x = np.random.default_rng(0).normal(size=(*batch, 2, 2)) * [[1, 2], [3, 4]] + 1
    z = layer.initialize(tf.constant(x))
    axes = tuple(range(len(batch)))
    np.testing.assert_allclose(np.mean(z**2, axis=axes), 1, rtol=1e-5)
    expected = -np.log(np.sqrt((x**2).mean(axis=axes)) + 1e-6)
    np.testing.assert_allclose(layer.log_scale, expected)
    assert layer.initialized


def test_diagonal_scale_that_does_not_start_from_data():
    layer = tfb.DiagonalScale((2,), from_data=False)
    x = tf.constant([[2.0, 3.0], [4.0, 5.0]])
    np.testing.assert_array_equal(layer.initialize(x), x)
    assert not np.any(layer.log_scale) and not hasattr(layer, "initialized")


def test_logit_gives_no_density_outside():
    logit = tfb.Logit((2,))
    z, log_det = logit.inverse_and_log_det(tf.constant([[0.5, 0.5], [0.5, 1.5], [-0.5, 0.5]]))
    assert np.isfinite(z).all()
    np.testing.assert_array_equal(np.isneginf(log_det), [False, True, True])
