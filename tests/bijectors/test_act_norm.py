"""ActNorm: its start from data, and that nothing else sets it."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import bijectors as tfb


def data(*shape, seed=0):
    x = np.random.default_rng(seed).normal(size=shape) * np.arange(1, shape[-1] + 1) + 3.0
    return tf.constant(x)


@pytest.mark.parametrize("shape", [(50, 4), (6, 3, 2, 4), (2, 5, 3, 2, 4)])
def test_initialize_gives_every_channel_mean_zero_and_variance_one(shape):
    x, event_shape = data(*shape), shape[1:] if len(shape) < 5 else shape[2:]
    layer = tfb.ActNorm(event_shape, dtype=tf.float64)
    z = layer.initialize(x).numpy().reshape(-1, 4)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z.var(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(layer.inverse(tf.identity(x)), z.reshape(shape))


def test_initialize_sets_shift_and_log_scale():
    x = data(40, 4)
    layer = tfb.ActNorm((4,), log_scale_factor=2.0, dtype=tf.float64)
    layer.initialize(x)
    np.testing.assert_allclose(layer.shift, -np.mean(x, axis=0))
    expected = -np.log(np.std(x, axis=0) + 1e-6) / 2.0
    np.testing.assert_allclose(layer.log_scale, expected)


def test_a_constant_channel_stays_finite():
    layer = tfb.ActNorm((2,))
    z = layer.initialize(tf.fill([3, 2], 5.0))
    np.testing.assert_allclose(z, 0, atol=1e-5)
    assert np.isfinite(layer.log_scale).all()


def test_starts_as_the_identity_and_only_initialize_marks_it():
    layer, x = tfb.ActNorm((4,), dtype=tf.float64), data(5, 4)
    for training in (False, True):
        z, log_det = layer.inverse_and_log_det(x, training=training)
        np.testing.assert_array_equal(z, x)
        assert log_det == 0
        layer.forward_and_log_det(x, training=training)
        assert not layer.initialized
    layer.initialize(x)
    assert layer.initialized


def test_log_det_counts_positions_and_factor():
    layer = tfb.ActNorm((3, 2, 4), log_scale_factor=5.0)
    layer.log_scale.assign([0.1, 0.2, -0.4, 0.3])
    _, log_det = layer.inverse_and_log_det(tf.zeros([1, 3, 2, 4]))
    np.testing.assert_allclose(log_det, 3 * 2 * 5.0 * 0.2, rtol=1e-6)


def test_is_initialized_inside_composites_on_what_reaches_it():
    first, second = (tfb.ActNorm((4,), dtype=tf.float64) for _ in range(2))
    composite = tfb.Composite([first, tfb.Rescale((4,), 7.0, 2.0), second])
    z = composite.initialize(data(30, 4))
    np.testing.assert_allclose(second.shift, -2.0, atol=1e-9)
    np.testing.assert_allclose(np.std(z, axis=0), 1, atol=1e-5)
    assert first.initialized and second.initialized


def test_an_inverted_one_is_not_initialized():
    layer = tfb.ActNorm((4,), dtype=tf.float64)
    x = data(30, 4)
    np.testing.assert_array_equal(tfb.Invert(layer).initialize(x), x)
    assert not layer.initialized
