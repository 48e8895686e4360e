"""The shared layers against plain NumPy, and what is special to each."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.networks.registry import IMAGE, randomize_zeros
from tests.reference import networks as reference
from tfflows.networks import MLP, ActNorm, EdgeBiasConv2D, WeightNormConv2D, ZeroConv2D

X = np.random.default_rng(0).normal(2.0, 3.0, IMAGE)


def build(layer, shape=IMAGE):
    layer.build(shape)
    randomize_zeros(layer)
    return layer


def weights(layer):
    return {v.path.split("/")[-1]: v.numpy() for v in layer.weights}


def full_kernel(layer):
    """The authors' one kernel, whose last input channel is the edge channel."""
    w = weights(layer)
    return np.concatenate([w["kernel"], w["edge_kernel"]], 2)


def test_act_norm_formula():
    layer = build(ActNorm(dtype="float64"))
    w = weights(layer)
    np.testing.assert_allclose(layer(X), (X + w["shift"]) * np.exp(3 * w["log_scale"]))
    scale, offset = layer.affine()
    np.testing.assert_allclose(X * scale + offset, layer(X))


@pytest.mark.parametrize("shape", [(64, 3), (6, 4, 4, 3)])
def test_act_norm_initialize(shape):
    layer = ActNorm(dtype="float64")
    x = np.random.default_rng(0).normal([1.0, -20.0, 0.1], [1.0, 5.0, 1e-2], shape)
    layer.build(shape)
    assert not layer.initialized.numpy()
    np.testing.assert_array_equal(layer(x), x)
    outputs = np.array(layer.initialize(x))
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(outputs.mean(axes), 0.0, atol=1e-9)
    np.testing.assert_allclose(outputs.std(axes), 1.0, rtol=1e-3)
    np.testing.assert_allclose(outputs, (x - x.mean(axes)) / (x.std(axes) + 1e-6))
    np.testing.assert_allclose(layer.shift.numpy(), -x.mean(axes))
    np.testing.assert_allclose(layer.log_scale.numpy(), -np.log(x.std(axes) + 1e-6) / 3)
    assert layer.initialized.numpy() and not layer.initialized.trainable


@pytest.mark.parametrize("size", [(4, 4), (1, 1), (2, 5)])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_edge_bias_convolution(kernel_size, size):
    x = np.random.default_rng(0).standard_normal((2, *size, 3))
    layer = build(EdgeBiasConv2D(4, kernel_size, use_bias=True, dtype="float64"), x.shape)
    names = ["kernel", "edge_kernel", "bias"] if kernel_size > 1 else ["kernel", "bias"]
    assert list(weights(layer)) == names
    kernel = full_kernel(layer) if kernel_size > 1 else weights(layer)["kernel"]
    expected = reference.conv2d(x, kernel, edge_bias=kernel_size > 1) + weights(layer)["bias"]
    np.testing.assert_allclose(layer(x), expected, atol=1e-12)


@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_edge_bias_convolution_with_affine(kernel_size, use_bias):
    layer = build(EdgeBiasConv2D(4, kernel_size, use_bias=use_bias, dtype="float64"))
    scale, offset = np.random.default_rng(1).standard_normal((2, 4))
    expected = layer(X) * scale + offset
    np.testing.assert_allclose(layer(X, affine=(scale, offset)), expected, atol=1e-12)


def test_edge_channel_acts_on_the_border_only():
    layer = EdgeBiasConv2D(2)
    layer.build((None, 5, 4, 3))
    outputs = np.abs(layer(np.zeros((1, 5, 4, 3)))[0])
    assert np.all(outputs[1:-1, 1:-1] == 0.0)
    outputs[1:-1, 1:-1] = 1.0
    assert np.all(outputs > 0.0)


def test_edge_bias_initial_values():
    layer = EdgeBiasConv2D(64)
    layer.build((None, 4, 4, 16))
    for kernel in (layer.kernel, layer.edge_kernel):
        assert abs(np.std(kernel.numpy()) - 0.05) < 0.005
    own = EdgeBiasConv2D(2, kernel_initializer=keras.initializers.Constant(7.0))
    own.build((None, 4, 4, 1))
    assert np.all(own.kernel.numpy() == 7.0)


def test_zero_convolution():
    layer = ZeroConv2D(4, dtype="float64")
    layer.build(IMAGE)
    assert not np.any(layer(X))
    randomize_zeros(layer)
    w = weights(layer)
    assert list(w) == ["kernel", "edge_kernel", "bias", "log_scale"]
    expected = reference.zero_conv(
        X, {"kernel": full_kernel(layer), "bias": w["bias"], "logs": w["log_scale"]}
    )
    np.testing.assert_allclose(layer(X), expected, atol=1e-12)


def test_zero_convolution_learns_from_the_start():
    layer = ZeroConv2D(4)
    layer.build(IMAGE)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(X) * np.arange(4.0))
    variables = [layer.kernel, layer.edge_kernel, layer.bias]
    for gradient in tape.gradient(loss, [v.value for v in variables]):
        assert np.any(gradient)


@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("use_magnitude", [False, True])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_weight_norm_convolution(kernel_size, use_magnitude, use_bias):
    options = {"use_magnitude": use_magnitude, "use_bias": use_bias, "dtype": "float64"}
    layer = build(WeightNormConv2D(4, kernel_size, **options))
    w = weights(layer)
    assert list(w) == ["v"] + ["magnitude"] * use_magnitude + ["bias"] * use_bias
    np.testing.assert_allclose(layer(X), reference.normalized_conv(X, w), atol=1e-12)


def test_weight_norm_initial_values():
    layer = WeightNormConv2D(64, use_magnitude=True)
    layer.build((None, 4, 4, 8))
    v = layer.v.numpy()
    assert np.max(np.abs(v)) < 0.5 and np.max(v) > 0.49 and np.min(v) < -0.49
    np.testing.assert_allclose(layer.magnitude.numpy(), 0.5 * np.sqrt(8 * 9 / 12), rtol=1e-6)
    assert not np.any(layer.bias.numpy())
    zero = WeightNormConv2D(4, use_magnitude=True, zero_init=True)
    zero.build(IMAGE)
    assert not np.any(zero(X)) and np.any(zero.v.numpy())


def test_sizes_may_be_integers_of_numpy():
    net = MLP(np.int64(2), hidden=(np.int32(3),))
    assert net(np.zeros((1, 4), np.float32)).shape == (1, 2)
