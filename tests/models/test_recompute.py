"""Reversible training: the gradients of plain backprop, without its memory."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows
from tfflows import bijectors

X = flows.images(16)
VECTORS = np.random.default_rng(0).normal(size=(16, 6))
CASES = {
    "nice": ("nice", {}),
    "realnvp": ("realnvp", {"depth": 2}),
    "realnvp_vectors": ("realnvp", {"event_shape": (6,), "bins": None}),
    "glow": ("glow", {"depth": 2}),
    "glow_full": ("glow", {"permutation": "full", "transform": "exp", "depth": 2}),
    "glow_conditional": ("glow", {"depth": 2, "condition_shape": (3,)}),
}


def step_function(flow, jit_compile=False):
    """A function of a batch that gives the loss and the gradients of a training step."""

    @tf.function(autograph=False, jit_compile=jit_compile)
    def function(data):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(flow(data, training=True))
        return loss, tape.gradient(loss, [v.value for v in flow.trainable_variables])

    return function


def batch(flow):
    x = VECTORS if len(flow.event_shape) == 1 else X
    x = tf.constant(x if flow.bins else x.astype(flow.variable_dtype))
    if getattr(flow, "condition_shape", None) is None:
        return x
    condition = np.random.default_rng(1).normal(size=(16, 3))
    return {"x": x, "condition": tf.constant(condition, flow.variable_dtype)}


def difference(name, dtype, **options):
    """The relative distance between plain and recomputed gradients, all variables together."""
    kind, arguments = CASES[name]
    flats = []
    for recompute in (False, True):
        keras.utils.set_random_seed(0)
        flow = flows.trained(kind, dtype=dtype, recompute=recompute, **arguments)
        _, gradients = step_function(flow, **options)(batch(flow))
        flats.append(np.concatenate([np.ravel(g) for g in gradients]))
    assert np.all(np.isfinite(flats[0])) and np.linalg.norm(flats[0]) > 1e-3
    return np.linalg.norm(flats[1] - flats[0]) / np.linalg.norm(flats[0])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("dtype", "most"), [("float32", 1e-4), ("float64", 1e-10)])
def test_gradients_are_those_of_plain_backprop(name, dtype, most):
    assert difference(name, dtype) <= most


@pytest.mark.parametrize("name", ["nice", "realnvp", "glow"])
def test_gradients_under_xla(name):
    assert difference(name, "float32", jit_compile=True) <= 1e-4


def losses(flow):
    data = tf.data.Dataset.from_tensor_slices(X).batch(8)
    return flow.fit(data, epochs=2, verbose=0).history["loss"], flow.evaluate(data, verbose=0)[0]


@pytest.mark.parametrize("name", flows.NAMES)
def test_fit_and_two_replicas(name, two_replicas):
    def run(recompute, strategy):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            flow = flows.small(name, recompute=recompute)
            flow.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
        return flow, *losses(flow)

    _, plain, plain_evaluation = run(False, tf.distribute.get_strategy())
    one, recomputed, evaluation = run(True, tf.distribute.get_strategy())
    np.testing.assert_allclose(recomputed, plain, rtol=1e-5)
    np.testing.assert_allclose(evaluation, plain_evaluation, rtol=1e-5)
    two, replicated, _ = run(True, two_replicas)
    np.testing.assert_allclose(replicated, recomputed, rtol=1e-4)
    for variable, other in zip(two.variables, one.variables, strict=True):
        first, second = (v.numpy() for v in variable.value.values)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, other, rtol=1e-2, atol=1e-3)


def conditioner_calls(recompute):
    """How often each network is evaluated in a training step."""
    flow, calls = flows.trained("realnvp", recompute=recompute), []
    couplings = [m for m in flow.distribution.submodules if isinstance(m, bijectors.Coupling)]
    for index, coupling in enumerate(couplings):
        network = coupling.conditioner
        network.call = lambda *args, _call=network.call, _index=index, **kwargs: (
            calls.append(_index),
            _call(*args, **kwargs),
        )[1]
    step_function(flow).get_concrete_function(batch(flow))
    return [calls.count(index) for index in range(len(couplings))]


def test_networks_are_evaluated_once_more_only():
    assert set(conditioner_calls(recompute=False)) == {1}
    assert set(conditioner_calls(recompute=True)) == {2}


def remembered(recompute, depth):
    """Bytes an example that the forward pass of a level hands to the backward pass."""
    flow = flows.trained("glow", levels=1, depth=depth, recompute=recompute)
    graph = step_function(flow).get_concrete_function(batch(flow)).graph
    forward = [op for op in graph.get_operations() if op.type == "StatefulPartitionedCall"][:depth]
    outputs = [t for op in forward for t in op.outputs if t.dtype.is_floating]
    return sum(t.dtype.size * t.shape.num_elements() for t in outputs if 16 in t.shape[:1])


def test_forward_passes_hand_on_nothing_but_latents_and_log_dets():
    latent = 16 * (16 + 1) * 4
    assert remembered(recompute=True, depth=3) == 3 * latent
    assert remembered(recompute=False, depth=3) > 6 * latent


def test_the_optimizer_gets_no_gradient_for_what_is_frozen():
    flow = flows.trained("glow", depth=2, recompute=True)
    network = flow.distribution.submodules
    network = next(m for m in network if isinstance(m, bijectors.Coupling)).conditioner
    network.trainable = False
    before = [v.numpy() for v in network.variables]
    flow.compile(keras.optimizers.Adam(1e-3))
    losses(flow)
    for variable, value in zip(network.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_dropout_is_the_same_in_both_passes():
    shape, gradients = (4,), []
    for recompute in (False, True):
        keras.utils.set_random_seed(0)
        network = keras.Sequential(
            [keras.layers.Dense(16), keras.layers.Dropout(0.5, seed=3), keras.layers.Dense(2)]
        )
        coupling = bijectors.SplitCoupling(shape, network, "additive")
        composite = bijectors.Composite([coupling], recompute=recompute)

        @tf.function(autograph=False)
        def function(x, composite=composite):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(composite.inverse_and_log_det(x, training=True)[0] ** 2)
            return tape.gradient(loss, composite.trainable_variables)

        x = tf.constant(np.random.default_rng(0).normal(size=(8, 4)), tf.float32)
        gradients.append([function(x) for _ in range(3)])
    for plain, recomputed in zip(*map(tf.nest.flatten, gradients), strict=True):
        np.testing.assert_allclose(recomputed, plain, rtol=1e-4, atol=1e-5)
    assert np.abs(gradients[0][0][0] - gradients[0][1][0]).max() > 1e-3


def test_recompute_is_part_of_the_configuration():
    flow = flows.fresh("glow", recompute=True, precision="mixed_bfloat16")
    config = flow.get_config()
    assert config["recompute"] is True and config["precision"] == "mixed_bfloat16"
    again = type(flow).from_config(config)
    assert again.recompute is True and again.precision == "mixed_bfloat16"
