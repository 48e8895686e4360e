"""Composite, Invert, FromTFP and the base class: order, wrapping and the package's own checks."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors as tfb


def data(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def test_layers_are_applied_from_data_to_latent():
    """(x + 1) * 2, then the reverse: neither order nor direction can be mistaken."""
    layers = [tfb.Rescale((3,), 1.0, 1.0), tfb.Rescale((3,), 2.0), tfb.Permute((3,))]
    composite = tfb.Composite(layers)
    np.testing.assert_array_equal(composite.inverse(tf.constant([0.0, 1, 2])), [6, 4, 2])
    np.testing.assert_array_equal(composite.forward(tf.constant([6.0, 4, 2])), [0, 1, 2])
    assert composite.layers == tuple(layers)


def test_has_the_order_of_the_chain_of_tfp():
    layers = [tfb.Rescale((3,), 1.0, 1.0), tfb.Rescale((3,), 2.0), tfb.Permute((3,))]
    x = data(2, 3)
    expected = tfp.bijectors.Chain(layers).inverse(x)
    np.testing.assert_allclose(tfb.Composite(layers).inverse(x), expected)


def test_nesting_changes_nothing():
    a, b, c = tfb.Rescale((3,), 3.0, 1.0), tfb.Permute((3,)), tfb.Rescale((3,), 2.0, -1.0)
    x = data(2, 3)
    flat = tfb.Composite([a, b, c]).inverse_and_log_det(x)
    for nested in ([tfb.Composite([a, b]), c], [a, tfb.Composite([b, c])]):
        for one, other in zip(tfb.Composite(nested).inverse_and_log_det(x), flat, strict=True):
            np.testing.assert_array_equal(one, other)


def test_bijectors_of_tfp_are_wrapped_with_the_shape_before_them():
    composite = tfb.Composite([tfb.Squeeze((2, 2, 1)), tfp.bijectors.Exp()])
    wrapped = composite.layers[1]
    assert isinstance(wrapped, tfb.FromTFP) and wrapped.event_shape == (1, 1, 4)
    x = tf.exp(data(2, 2, 2, 1))
    z, log_det = composite.inverse_and_log_det(x)
    np.testing.assert_allclose(z, np.log(x).reshape(2, 1, 1, 4))
    np.testing.assert_allclose(log_det, -np.log(x).sum(axis=(1, 2, 3)))


def test_from_tfp_finds_the_variables():
    scale = tf.Variable(2.0)
    wrapped = tfb.FromTFP((3,), tfp.bijectors.Scale(scale))
    assert wrapped.trainable_variables == (scale,)


def test_dtype_is_that_of_the_layers_which_have_one():
    permute = tfb.Permute((2,))
    assert tfb.Composite([permute, tfb.ActNorm((2,), dtype=tf.float64)]).dtype == tf.float64
    assert tfb.Composite([permute]).dtype is None


def test_an_inverted_one_trades_shapes_and_directions():
    squeeze = tfb.Squeeze((4, 4, 1))
    inverted = tfb.Invert(squeeze)
    assert inverted.event_shape == (2, 2, 4) and inverted.latent_shape == (4, 4, 1)
    x = data(3, 2, 2, 4)
    np.testing.assert_array_equal(inverted.inverse(x), squeeze.forward(x))
    assert inverted.name == "inverted_squeeze"


def test_values_that_are_no_tensors_take_the_dtype_of_the_bijector():
    for dtype in (tf.float32, tf.float64):
        bijector = tfb.ActNorm((2,), dtype=dtype)
        assert bijector.inverse_and_log_det([[0.0, 1.0]])[0].dtype == dtype


def test_two_bijectors_with_equal_arguments_are_not_equal():
    """TFP's cache would else give one the values of the other, which has its own variables."""
    one, other = (tfb.ActNorm((2,)) for _ in range(2))
    assert one != other
    other.shift.assign([1.0, 1.0])
    x = tf.zeros([1, 2])
    one.inverse(x)
    np.testing.assert_array_equal(other.inverse(x), [[1, 1]])


def test_a_minimal_subclass_needs_the_pair_only():
    class Double(tfb.Bijector):
        def _forward_and_log_det(self, z, condition=None, training=False):
            return z / 2, tf.fill(tf.shape(z)[:-1], -2 * np.log(2))

        def _inverse_and_log_det(self, x, condition=None, training=False):
            return 2 * x, tf.fill(tf.shape(x)[:-1], 2 * np.log(2))

    double, x = Double((2,)), data(3, 2)
    np.testing.assert_array_equal(double.initialize(x), 2 * x)
    np.testing.assert_allclose(double.forward_log_det_jacobian(x, 1), [-2 * np.log(2)] * 3)
    noise = tfp.distributions.MultivariateNormalDiag(tf.zeros([2], tf.float64))
    flow = tfp.distributions.TransformedDistribution(noise, double)
    expected = tfp.distributions.Normal(np.float64(0), 0.5).log_prob(x)
    np.testing.assert_allclose(flow.log_prob(x), tf.reduce_sum(expected, -1))
