"""One graph function for all layers of a structure: fewer nodes, the same numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows.bijectors as tfb
from tfflows import networks
from tfflows.bijectors import sharing

SHAPE = (4, 4, 4)


def network(width=4, **options):
    net = networks.ConvNet(4, width=width, **options)
    net.build((None, 4, 4, 2), (None, 3) if options.get("name") == "conditioned" else None)
    for variable in net.trainable_variables:
        variable.assign_add(
            0.1 * np.random.default_rng(len(variable.shape)).normal(size=variable.shape)
        )
    return net


def step(seed, **options):
    rng = np.random.default_rng(seed)
    layers = [
        tfb.ActNorm(SHAPE),
        tfb.InvertibleConv(SHAPE, seed=seed),
        tfb.SplitCoupling(SHAPE, network(**options), "sigmoid"),
    ]
    for variable in (v for layer in layers for v in layer.trainable_variables):
        variable.assign_add(0.1 * rng.normal(size=variable.shape))
    return tfb.Composite(layers, name="step")


def chain(depth, recompute=False):
    return tfb.Composite([step(seed) for seed in range(depth)], recompute=recompute)


def data(*batch):
    return tf.constant(np.random.default_rng(0).normal(size=(*batch, *SHAPE)), tf.float32)


def differentiated(composite, inlined):
    @tf.function(autograph=False)
    def function(x):
        with tf.GradientTape() as tape:
            z, log_det = composite.inverse_and_log_det(x, training=True)
            loss = tf.reduce_sum(tf.sin(z)) + tf.reduce_sum(log_det**2)
        return z, log_det, tape.gradient(loss, composite.trainable_variables)

    if not inlined:
        return function, function.get_concrete_function(data(3))
    with sharing.inlined():
        return function, function.get_concrete_function(data(3))


def calls(concrete):
    kinds = ("PartitionedCall", "StatefulPartitionedCall")
    return [op for op in concrete.graph.get_operations() if op.type in kinds]


@pytest.mark.parametrize("recompute", [False, True])
def test_the_same_values_and_gradients_as_in_place(recompute):
    composite = chain(3, recompute)
    shared, concrete = differentiated(composite, inlined=False)
    inlined, plain = differentiated(composite, inlined=True)
    assert len(calls(concrete)) == 6  # forward and backward of three
    assert not calls(plain)
    for ours, expected in zip(
        tf.nest.flatten(shared(data(3))), tf.nest.flatten(inlined(data(3))), strict=True
    ):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("recompute", [False, True])
def test_every_layer_uses_its_own_variables(recompute):
    composite = chain(3, recompute)
    shared, _ = differentiated(composite, inlined=False)
    before = shared(data(3))[0].numpy()
    for layer in composite.layers:
        shift = layer.layers[0].shift
        shift.assign_add(tf.ones_like(shift))
        changed = shared(data(3))[0].numpy()
        assert np.abs(changed - before).max() > 1e-2
        expected = composite.inverse_and_log_det(data(3))[0]
        np.testing.assert_allclose(changed, expected, rtol=2e-5, atol=2e-5)
        before = changed


def test_depth_adds_calls_only():
    def nodes(depth):
        return len(differentiated(chain(depth), inlined=False)[1].graph.get_operations())

    # A placeholder a variable and a result a gradient; besides, two calls and a sum of log-dets.
    own = step(0)
    most = len(own.variables) + len(own.trainable_variables) + 4
    assert nodes(6) - nodes(4) <= 2 * most


def test_nothing_is_called_under_xla():
    # XLA takes what goes into a call whose results are shapes for constants: weights, which change.
    composite = chain(3)

    def gradients(x):
        with tf.GradientTape() as tape:
            z, log_det = composite.inverse_and_log_det(x, training=True)
            loss = tf.reduce_sum(tf.sin(z)) + tf.reduce_sum(log_det**2)
        return tape.gradient(loss, composite.trainable_variables)

    compiled, plain = (
        tf.function(gradients, jit_compile=jit, autograph=False) for jit in (True, False)
    )
    assert not calls(compiled.get_concrete_function(data(3)))
    assert calls(plain.get_concrete_function(data(3)))
    for ours, expected in zip(compiled(data(3)), plain(data(3)), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3)


def test_forward_is_shared_too():
    composite = chain(3)
    forward = tf.function(lambda z: composite.forward_and_log_det(z), autograph=False)
    assert len(calls(forward.get_concrete_function(data(2)))) == 3
    z = composite.inverse_and_log_det(data(2))[0]
    np.testing.assert_allclose(forward(z)[0], data(2), rtol=1e-4, atol=1e-4)


def test_any_number_of_examples():
    composite = chain(2)
    function = tf.function(
        lambda x: composite.inverse_and_log_det(x),
        input_signature=[tf.TensorSpec([None, *SHAPE])],
        autograph=False,
    )
    for count in (1, 5):
        z, log_det = function(data(count))
        expected, expected_log_det = composite.inverse_and_log_det(data(count))
        np.testing.assert_allclose(z, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(log_det, expected_log_det, rtol=1e-4)


def test_a_frozen_layer_keeps_its_gradient_to_itself():
    composite = chain(3)
    composite.layers[1].layers[2].conditioner.trainable = False
    names = len(composite.trainable_variables)
    shared, _ = differentiated(composite, inlined=False)
    inlined, _ = differentiated(composite, inlined=True)
    gradients, expected = shared(data(3))[2], inlined(data(3))[2]
    assert len(gradients) == names
    for ours, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ours, other, rtol=2e-5, atol=2e-5)


def test_a_replaced_conditioner_is_not_shared():
    composite = chain(2)
    composite.layers[1].layers[2].conditioner = lambda kept, training: tf.ones(
        [*kept.shape[:-1], 4]
    )
    function = tf.function(lambda x: composite.inverse_and_log_det(x)[0], autograph=False)
    expected = composite.inverse_and_log_det(data(2))[0]
    np.testing.assert_allclose(function(data(2)), expected, rtol=1e-5, atol=1e-5)


class Doubled(networks.ConvNet):
    """A subclass of which nobody knows on what it depends."""


class Shifted(tfb.ActNorm):
    """A bijector of the same kind."""


DIFFERENT = {
    "seeds of a shuffle": (
        lambda: tfb.Permute((9,), "shuffle", seed=1),
        lambda: tfb.Permute((9,), "shuffle", seed=2),
    ),
    "orders": (lambda: tfb.Permute((4,), "reverse"), lambda: tfb.Permute((4,), "even_odd")),
    "masks": (
        lambda: tfb.MaskedCoupling(SHAPE, network(), "additive", tfb.checkerboard_mask(SHAPE)),
        lambda: tfb.MaskedCoupling(
            SHAPE, network(), "additive", tfb.checkerboard_mask(SHAPE, odd=True)
        ),
    ),
    "halves": (
        lambda: tfb.SplitCoupling(SHAPE, network()),
        lambda: tfb.SplitCoupling(SHAPE, network(), swap=True),
    ),
    "laws": (
        lambda: tfb.SplitCoupling(SHAPE, network(), "exp"),
        lambda: tfb.SplitCoupling(SHAPE, network(), "bounded"),
    ),
    "widths": (
        lambda: tfb.SplitCoupling(SHAPE, network(width=4)),
        lambda: tfb.SplitCoupling(SHAPE, network(width=5)),
    ),
    "precisions": (
        lambda: tfb.SplitCoupling(SHAPE, network()),
        lambda: tfb.SplitCoupling(SHAPE, network(dtype="mixed_bfloat16")),
    ),
    "shapes": (lambda: tfb.ActNorm((4, 4, 2)), lambda: tfb.ActNorm((2, 8, 2))),
    "factors": (lambda: tfb.ActNorm((2,)), lambda: tfb.ActNorm((2,), log_scale_factor=1)),
    "parameterizations": (
        lambda: tfb.InvertibleConv((2,)),
        lambda: tfb.InvertibleConv((2,), parameterization="full"),
    ),
    "numbers of layers": (lambda: chain(2), lambda: chain(3)),
    "recomputing": (lambda: chain(2), lambda: chain(2, recompute=True)),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_computation_is_another_structure(name):
    first, second = DIFFERENT[name]
    assert first().structure() == first().structure() is not None
    assert first().structure() != second().structure()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Shifted((4,)),
        lambda: tfb.BatchNorm((4,)),
        lambda: tfb.SplitCoupling((4,), lambda h: h, "additive"),
        lambda: tfb.SplitCoupling((4,), keras.layers.Dense(2), "additive"),
        lambda: tfb.Composite([tfb.ActNorm((4,)), Shifted((4,))]),
    ],
)
def test_what_is_not_known_has_no_structure(make):
    assert make().structure() is None


def test_a_network_s_subclass_without_a_config_has_no_structure():
    net = Doubled(4, width=4)
    net.build((None, 4, 4, 2))
    assert net.structure() is None
