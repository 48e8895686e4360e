"""Glow's linear layer and its top prior against plain NumPy, and what is special to them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.networks.registry import IMAGE, randomize_zeros
from tests.reference import networks as reference
from tfflows.networks import PriorNet, ZeroConv2D, ZeroDense

RNG = np.random.default_rng(0)
X = RNG.normal(1.0, 2.0, IMAGE)


def dense_weights(layer):
    values = (layer.kernel, layer.bias, layer.log_scale)
    return dict(zip(("kernel", "bias", "logs"), (v.numpy() for v in values), strict=True))


def conv_weights(layer):
    kernel = np.concatenate([layer.kernel.numpy(), layer.edge_kernel.numpy()], 2)
    return {"kernel": kernel, "bias": layer.bias.numpy(), "logs": layer.log_scale.numpy()}


@pytest.mark.parametrize("shape", [(6, 3), (6, 4, 4, 3)])
def test_zero_dense(shape):
    x = RNG.standard_normal(shape)
    layer = ZeroDense(5, dtype="float64")
    layer.build(shape)
    assert [v.name for v in layer.weights] == ["kernel", "bias", "log_scale"]
    assert not np.any(layer(x))
    randomize_zeros(layer)
    np.testing.assert_allclose(layer(x), reference.zero_dense(x, dense_weights(layer)))


@pytest.mark.parametrize("use_conv", [False, True])
@pytest.mark.parametrize("condition", [np.eye(3)[[0, 1, 2, 2, 1, 0]], X[..., :2] ** 2])
def test_prior_net(condition, use_conv):
    net = PriorNet(4, use_conv=use_conv, dtype="float64")
    net.build((None, *IMAGE[1:]), (None, *condition.shape[1:]))
    assert not np.any(net(X, condition=condition))
    randomize_zeros(net)
    shifts = reference.zero_dense(condition, dense_weights(net.dense))
    shifts = shifts if shifts.ndim == 4 else shifts[:, None, None, :]
    fixed = reference.zero_conv(X, conv_weights(net.conv)) if use_conv else 0 * X[..., :1]
    np.testing.assert_allclose(net(X, condition=condition), fixed + shifts, atol=1e-12)


def test_prior_net_learns_from_the_start():
    net = PriorNet(4)
    net.build((None, *IMAGE[1:]), (None, 3))
    with tf.GradientTape() as tape:
        outputs = net(np.zeros(IMAGE, np.float32), condition=np.eye(3)[[0, 0, 1, 1, 2, 2]])
        loss = tf.reduce_sum(outputs * np.arange(outputs[0].shape.num_elements()).reshape(4, 4, 4))
    variables = [net.conv.edge_kernel, net.conv.bias, net.dense.kernel, net.dense.bias]
    for gradient in tape.gradient(loss, [v.value for v in variables]):
        assert np.any(gradient)


def test_prior_net_of_nothing_is_refused():
    with pytest.raises(ValueError, match="with use_conv=False. Received: condition_shape=None"):
        PriorNet(4, use_conv=False).build(IMAGE)


def test_zero_convolution_as_learned_top_prior():
    prior = ZeroConv2D(4)
    prior.build((None, 4, 4, 2), (None, 3))
    randomize_zeros(prior)
    zeros, one_hot = np.zeros((3, 4, 4, 2)), np.eye(3)
    outputs = prior(zeros, condition=one_hot).numpy()
    assert np.max(np.abs(outputs[0] - outputs[1])) > 1e-2
    np.testing.assert_allclose(outputs[:, 1, 1], outputs[:, 2, 2], atol=1e-6)
    assert np.max(np.abs(outputs[:, 0, 0] - outputs[:, 1, 1])) > 1e-2
