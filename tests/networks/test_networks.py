"""MLP, ConvNet and ResNet against plain NumPy, and what is special to each."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.networks.registry import CHECKERBOARD, IMAGE, make
from tests.reference import networks as reference
from tfflows.networks import MLP, ConvNet, ResNet

RNG = np.random.default_rng(0)
X = RNG.normal(1.0, 2.0, IMAGE)
CONDITION = RNG.standard_normal((6, 2))


def arrays(layer):
    """The layer's variables by name, in the terms of the reference."""
    w = {v.path.split("/")[-1]: v.numpy() for v in layer.weights}
    if "edge_kernel" in w:
        w["kernel"] = np.concatenate([w["kernel"], w.pop("edge_kernel")], 2)
    return w


def randomize(layer, scale=0.3):
    for variable in layer.weights:
        if variable.name == "moving_variance":
            variable.assign(RNG.uniform(0.5, 1.5, variable.shape))
        elif variable.dtype != "bool":
            variable.assign(scale * RNG.standard_normal(variable.shape))
    return layer


@pytest.mark.parametrize("condition", [None, CONDITION])
def test_mlp(condition):
    net = MLP(4, (5, 7), dtype="float64")
    net.build((None, 3), None if condition is None else (None, 2))
    x = X[:, 0, 0]
    assert not np.any(net(x, condition=condition))
    randomize(net)
    weights = [arrays(dense) for dense in net.dense]
    expected = reference.mlp(reference.with_condition(x, condition), weights)
    np.testing.assert_allclose(net(x, condition=condition), expected, atol=1e-12)


def test_mlp_initializer_is_fresh_for_every_layer():
    initializer = keras.initializers.RandomUniform(-0.01, 0.01)
    net = MLP(5, (5, 5, 5), kernel_initializer=initializer, zero_init=False)
    net.build((None, 5))
    kernels = [dense.kernel.numpy() for dense in net.dense]
    assert all(0.005 < np.max(np.abs(kernel)) < 0.01 for kernel in kernels)
    assert len({kernel.tobytes() for kernel in kernels}) == 4


def test_dropout_of_the_mlp_is_for_training_and_keeps_the_mean():
    net = MLP(4, (64, 64), zero_init=False, dropout=0.5)
    plain = MLP(4, (64, 64), zero_init=False)
    x = np.random.default_rng(0).standard_normal((2000, 3)).astype(np.float32)
    dropped = net(x, training=True)
    plain(x)
    for variable, value in zip(plain.variables, net.trainable_variables, strict=True):
        variable.assign(value)
    expected = plain(x, training=True)
    np.testing.assert_allclose(net(x, training=False), expected, rtol=1e-6, atol=1e-6)
    assert np.abs(dropped - expected).max() > 0.1
    assert np.abs(dropped - net(x, training=True)).max() > 0.1
    hidden = net.drops[0](np.ones((1000, 64), np.float32), training=True).numpy()
    assert set(np.unique(hidden)) == {0.0, 2.0}
    assert abs(hidden.mean() - 1) < 0.02


def test_mlp_activation_and_more_axes():
    net = MLP(2, (5,), activation="tanh", dtype="float64")
    net.build((None, 3))
    randomize(net)
    one, two = net.dense
    expected = np.tanh(X @ one.kernel.numpy() + one.bias.numpy()) @ two.kernel.numpy()
    np.testing.assert_allclose(net(X), expected + two.bias.numpy(), atol=1e-12)


def conv_net_weights(net):
    one, two = (
        {**arrays(conv), **arrays(norm)} for conv, norm in zip(net.convs, net.norms, strict=True)
    )
    last = arrays(net.out)
    return {"conv_1": one, "conv_2": two, "last": {**last, "logs": last["log_scale"]}}


@pytest.mark.parametrize("condition", [None, CONDITION, CONDITION[:, :1, None, None] + X[..., :2]])
def test_conv_net(condition):
    net = ConvNet(4, 5, dtype="float64")
    net.build((None, *IMAGE[1:]), None if condition is None else condition.shape)
    assert not np.any(net(X, condition=condition))
    randomize(net)
    expected = reference.conv_net(reference.with_condition(X, condition), conv_net_weights(net))
    np.testing.assert_allclose(net(X, condition=condition), expected, atol=1e-12)


def test_conv_net_initialize_normalizes_every_layer():
    net = make("ConvNet", dtype="float64")
    outputs = net.initialize(X)
    np.testing.assert_allclose(net(X), outputs, atol=1e-9)
    h = X
    for conv, norm in zip(net.convs, net.norms, strict=True):
        normal = norm(conv(h)).numpy()
        np.testing.assert_allclose(normal.mean((0, 1, 2)), 0.0, atol=1e-9)
        np.testing.assert_allclose(normal.std((0, 1, 2)), 1.0, rtol=1e-4)
        h = tf.nn.relu(normal)
    assert all(norm.initialized.numpy() for norm in net.norms)


@pytest.mark.parametrize("depth", [1, 3])
def test_conv_net_depth(depth):
    net = ConvNet(4, 5, depth)
    net.build((None, *IMAGE[1:]))
    assert [conv.kernel_size for conv in net.convs] == [3] + [1] * (depth - 1)
    assert net(X).shape == (*IMAGE[:3], 4)


def resnet_weights(net):
    norms = [_norm(arrays(norm)) for norm in net.norms]
    channels = net.conv_in.v.shape[2] // 2
    if not norms:
        norms = [identity_norm(c) for c in [channels] + [net.width] * (2 * net.blocks + 1)]
    convs, skips = [arrays(c) for c in net.convs], [arrays(c) for c in net.skips]
    return {
        "bn_in": norms[0],
        "conv_in": arrays(net.conv_in),
        "skip_in": skips[0],
        "blocks": [
            {
                "bn_1": norms[2 * i + 1],
                "conv_1": convs[2 * i],
                "bn_2": norms[2 * i + 2],
                "conv_2": convs[2 * i + 1],
                "skip": skips[i + 1],
            }
            for i in range(net.blocks)
        ],
        "bn_out": norms[-1],
        "conv_out": arrays(net.conv_out),
    }


def _norm(w):
    return {"mean": w["moving_mean"], "variance": w["moving_variance"], "beta": w["beta"]}


def identity_norm(channels):
    zero = np.zeros(channels)
    return {"mean": zero, "variance": zero + 1 - 1e-4, "beta": zero}


def resnet(**options):
    return ResNet(4, 5, 2, dtype="float64", **options)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("mask", [None, CHECKERBOARD, CHECKERBOARD[..., None]])
def test_resnet(mask, training):
    gain = 1.0 if mask is None else 2.0
    net = resnet(mask=mask, input_gain=gain)
    net.build((None, *IMAGE[1:]))
    assert not np.any(net(X))
    randomize(net)
    weights, seen = resnet_weights(net), []
    before = [(n.moving_mean.numpy().copy(), n.moving_variance.numpy().copy()) for n in net.norms]
    channel = None if mask is None else mask.reshape(4, 4, 1)
    expected = reference.resnet(X, weights, channel, gain, training=training, seen=seen)
    np.testing.assert_allclose(net(X, training=training), expected, atol=1e-9)
    for norm, old, (mean, variance) in zip(net.norms, before, seen or before, strict=True):
        np.testing.assert_allclose(norm.moving_mean.numpy(), 0.9 * old[0] + 0.1 * mean)
        np.testing.assert_allclose(norm.moving_variance.numpy(), 0.9 * old[1] + 0.1 * variance)


def test_resnet_without_batch_norm():
    net = resnet(use_batch_norm=False, input_gain=1.5)
    net.build((None, *IMAGE[1:]))
    randomize(net)
    assert "bias" in arrays(net.convs[0]) and not net.non_trainable_variables
    expected = reference.resnet(X, resnet_weights(net), None, 1.5)
    np.testing.assert_allclose(net(X, training=True), expected, atol=1e-12)


def test_resnet_condition_is_not_normalized():
    net = resnet()
    net.build((None, *IMAGE[1:]), (None, 2))
    randomize(net)
    weights, identity = resnet_weights(net), identity_norm(2)
    weights["bn_in"] = {k: np.append(v, identity[k]) for k, v in weights["bn_in"].items()}
    expected = reference.resnet(reference.with_condition(X, CONDITION), weights)
    np.testing.assert_allclose(net(X, condition=CONDITION), expected, atol=1e-12)


def test_resnet_initialize_makes_evaluation_equal_training():
    net = resnet(zero_init=False, mask=CHECKERBOARD, input_gain=2.0)
    outputs = net.initialize(X)
    np.testing.assert_allclose(net(X, training=False), outputs, atol=1e-9)
    np.testing.assert_allclose(net(X, training=True), outputs, atol=1e-6)
    assert np.std(outputs) > 0.1


def test_resnet_authors_start_and_magnitudes():
    net = make("ResNet", randomize=False)
    # No bias where a batch normalization follows, a bias elsewhere.
    for conv, bias in zip(net.convs, (False, True) * 2, strict=True):
        assert ("bias" in arrays(conv)) == ("magnitude" in arrays(conv)) == bias
    magnitudes = [v for v in net.trainable_variables if v.name == "magnitude"]
    # The blocks' second convolutions, the skips and the last one.
    assert len(magnitudes) == 2 + 3 + 1
    # d * sqrt(channels * size^2 / 12) with d = sqrt(2 / channels): sqrt(size^2 / 6)
    np.testing.assert_allclose(net.conv_out.magnitude.numpy(), np.sqrt(1 / 6), rtol=1e-6)
    np.testing.assert_allclose(net.convs[1].magnitude.numpy(), np.sqrt(9 / 6), rtol=1e-6)


def test_resnet_zero_start_learns():
    net = resnet()
    net.build((None, *IMAGE[1:]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(net(X, training=True) * np.arange(X[0].size * 8 / 6).reshape(4, 4, 4))
    variables = [net.conv_out.magnitude, net.conv_out.bias]
    for gradient in tape.gradient(loss, [v.value for v in variables]):
        assert np.any(np.abs(gradient) > 1e-3)


def test_two_replicas_equal_one_device():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        net = make("ResNet")
    twin = make("ResNet")
    twin.set_weights(net.get_weights())
    x = tf.cast(X, tf.float32)

    def loss_and_gradients(net, x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(net(x, training=True)))
        return [loss, *tape.gradient(loss, [v.value for v in net.trainable_variables])]

    @tf.function
    def step(batch):
        per_replica = strategy.run(lambda x: loss_and_gradients(net, x), (batch,))
        return [strategy.reduce("SUM", value, axis=None) for value in per_replica]

    dataset = tf.data.Dataset.from_tensors(x).unbatch().batch(len(X))
    for batch in strategy.experimental_distribute_dataset(dataset):
        results = step(batch)
    for two, one in zip(results, loss_and_gradients(twin, x), strict=True):
        np.testing.assert_allclose(two, one, atol=1e-3, rtol=1e-4)
    for two, one in zip(net.weights, twin.weights, strict=True):
        np.testing.assert_allclose(two.numpy(), one.numpy(), atol=1e-5)
