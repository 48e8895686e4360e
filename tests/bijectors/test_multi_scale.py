"""MultiScale: the layout of its latent, and learned against unconditional priors."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance import conditioners
from tfflows import bijectors as tfb


def identity(event_shape):
    return tfb.Rescale(event_shape)


def image(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def test_the_second_half_of_the_channels_leaves_first_in_c_order():
    x = np.arange(2 * 2 * 4.0).reshape(1, 2, 2, 4)
    levels = [identity((2, 2, 4)), identity((2, 2, 2)), identity((2, 2, 1))]
    z = tfb.MultiScale(levels).inverse(x)
    expected = [2, 3, 6, 7, 10, 11, 14, 15, 1, 5, 9, 13, 0, 4, 8, 12]
    np.testing.assert_array_equal(z, [expected])
    np.testing.assert_array_equal(tfb.MultiScale(levels).forward(tf.identity(z)), x)


def test_one_level_only_flattens():
    x = image(3, 2, 2, 4)
    bijector = tfb.MultiScale([identity((2, 2, 4))])
    np.testing.assert_array_equal(bijector.inverse(x), np.reshape(x, (3, 16)))


def test_shapes_of_the_parts():
    levels = [tfb.Squeeze((4, 4, 2)), tfb.Squeeze((2, 2, 4))]
    bijector = tfb.MultiScale(levels)
    assert bijector.latent_shapes == [(2, 2, 4), (1, 1, 16)]
    assert bijector.event_shape == (4, 4, 2) and bijector.latent_shape == (32,)
    assert bijector.levels == tuple(levels)


def test_log_det_is_the_sum_over_the_levels():
    levels = [tfb.Rescale((2, 2, 4), 2.0), tfb.Rescale((2, 2, 2), 0.5), tfb.Rescale((2, 2, 1), 3)]
    _, log_det = tfb.MultiScale(levels).inverse_and_log_det(image(3, 2, 2, 4))
    np.testing.assert_allclose(log_det, 16 * np.log(2) - 8 * np.log(2) + 4 * np.log(3))


def test_a_gaussian_coupling_standardizes_the_half_that_leaves():
    halves = tfb.Halves((2, 2, 4))
    net = conditioners.make("module", halves, 2, dtype=tf.float64)
    prior = tfb.SplitCoupling((2, 2, 4), net, "gaussian", dtype=tf.float64)
    x = image(3, 2, 2, 4)
    plain = tfb.MultiScale([identity((2, 2, 4)), identity((2, 2, 2))])
    learned = tfb.MultiScale([prior, identity((2, 2, 2))])
    (z, log_det), (noise, _) = learned.inverse_and_log_det(x), plain.inverse_and_log_det(x)

    mean, log_sigma = np.split(net(x[..., :2]), 2, axis=-1)
    expected = (x[..., 2:] - mean) / np.exp(log_sigma)
    np.testing.assert_allclose(z[:, :8], np.reshape(expected, (3, 8)))
    np.testing.assert_array_equal(z[:, 8:], noise[:, 8:])
    np.testing.assert_allclose(log_det, -log_sigma.sum(axis=(1, 2, 3)))
    # The density of the half is N(mean, exp(log_sigma)).
    density = -0.5 * (z[:, :8].numpy() ** 2).sum(axis=1) + log_det
    other = -0.5 * (((x[..., 2:] - mean) / np.exp(log_sigma)) ** 2).numpy().sum((1, 2, 3))
    np.testing.assert_allclose(density, other - log_sigma.sum((1, 2, 3)))


def test_a_prior_of_zeros_is_the_unconditional_one():
    prior = tfb.SplitCoupling((2, 2, 4), lambda h: tf.zeros([len(h), 2, 2, 4]), "gaussian")
    x = tf.cast(image(3, 2, 2, 4), tf.float32)
    z, log_det = tfb.MultiScale([prior, identity((2, 2, 2))]).inverse_and_log_det(x)
    plain = tfb.MultiScale([identity((2, 2, 4)), identity((2, 2, 2))])
    np.testing.assert_array_equal(z, plain.inverse(x))
    np.testing.assert_array_equal(log_det, [0, 0, 0])


@pytest.mark.parametrize("seed", range(2))
def test_initialize_reaches_the_act_norms_of_all_levels(seed):
    norms = [tfb.ActNorm((2, 2, c), dtype=tf.float64) for c in (4, 2, 1)]
    x = 3 + 2 * image(20, 2, 2, 4, seed=seed)
    z = tfb.MultiScale(norms).initialize(x)
    assert all(norm.initialized for norm in norms)
    # The first norm standardizes all channels, so the others find nothing left to do.
    np.testing.assert_allclose(norms[1].shift, 0, atol=1e-9)
    np.testing.assert_allclose(np.mean(z), 0, atol=1e-9)
    np.testing.assert_allclose(tfb.MultiScale(norms).inverse(x), z)
