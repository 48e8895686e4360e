"""Whole models: round trips, log-dets against autodiff, gradients, and what an evaluation costs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows
from tfflows import bijectors

every_model = pytest.mark.parametrize("name", flows.NAMES)


@pytest.fixture(scope="module")
def large_glow():
    """A Glow of the size that the round trip is stated for, far from the identity."""
    keras.utils.set_random_seed(0)
    flow = tfflows.Glow((32, 32, 3), levels=3, depth=8, width=16)
    flows.randomize(flow, scale=0.02)
    flow.initialize(flows.fields(32, (32, 32, 3)))
    return flow


def test_round_trip_of_a_large_glow(large_glow):
    x = tf.cast(flows.fields(4, (32, 32, 3), seed=1), tf.float32)
    z, log_det = large_glow.distribution.bijector.inverse_and_log_det(x)
    back, back_log_det = large_glow.distribution.bijector.forward_and_log_det(tf.identity(z))
    assert abs(back - x).numpy().max() / 256 < 1e-3
    np.testing.assert_allclose(back_log_det, -log_det, rtol=1e-4)
    assert np.ptp(log_det) > 10  # far from the identity, where it is the same for all


@pytest.mark.parametrize("scale", [0.7, 1.0])
def test_round_trip_of_latents(large_glow, scale):
    z = tf.constant(scale * np.random.default_rng(0).standard_normal((2, 3072)), tf.float32)
    x, _ = large_glow.distribution.bijector.forward_and_log_det(z)
    back, _ = large_glow.distribution.bijector.inverse_and_log_det(tf.identity(x))
    assert abs(back - z).numpy().max() < 1e-2


SHAPES = [("nice", (4, 4, 1)), ("realnvp", (4, 4, 1)), ("glow", (4, 4, 1)), ("glow", (8, 8, 1))]
SHAPES += [("nice", (5,)), ("realnvp", (5,))]


@pytest.mark.parametrize("name, shape", SHAPES)
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-4), ("float64", 1e-9)])
def test_log_det_against_autodiff(name, shape, dtype, tolerance):
    flow = flows.trained(name, shape, dtype=dtype)
    x = tf.constant(np.random.default_rng(0).uniform(1, 16, shape), dtype)
    size = int(np.prod(shape))
    copies = tf.tile(x[None], [size, *[1] * len(shape)])  # a row of the Jacobian from each
    with tf.GradientTape() as tape:
        tape.watch(copies)
        z, log_det = flow.distribution.bijector.inverse_and_log_det(copies)
        rows = tf.linalg.diag_part(z)
    jacobian = tf.reshape(tape.gradient(rows, copies), [size, size])
    expected = np.linalg.slogdet(np.asarray(jacobian, np.float64))[1]
    np.testing.assert_allclose(tf.broadcast_to(log_det, [size])[0], expected, rtol=tolerance)
    _, back = flow.distribution.bijector.forward_and_log_det(z[:1])
    np.testing.assert_allclose(tf.reduce_sum(back), -expected, rtol=tolerance)


@every_model
def test_every_trainable_variable_gets_a_gradient(name):
    flow = flows.trained(name, (8, 8, 1) if name == "glow" else flows.SHAPE)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(flow(tf.constant(flows.images(8, flow.event_shape)), training=True))
    gradients = tape.gradient(loss, [v.value for v in flow.trainable_variables])
    idle = {
        id(variable)
        for variable, gradient in zip(flow.trainable_variables, gradients, strict=True)
        if gradient is None or not np.any(gradient)
    }
    # Glow's top prior sees zeros, so what would multiply its input never moves.
    tops = [m for m in flow.distribution.bijector.submodules if m.name == "top_prior"]
    assert idle == {id(top.conditioner.kernel) for top in tops}


@every_model
def test_a_fresh_model_trains_the_ends_of_its_networks(name):
    """Starting at zero must not be staying there."""
    flow = flows.fresh(name)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(flow(tf.constant(flows.images(8)), training=True))
    couplings = [m for m in flow.distribution.bijector.submodules if hasattr(m, "conditioner")]
    variables = [v.value for m in couplings for v in m.conditioner.trainable_variables]
    gradients = dict(zip(map(id, variables), tape.gradient(loss, variables), strict=True))
    for coupling in couplings:
        ends = [gradients[id(v.value)] for v in coupling.conditioner.trainable_variables]
        assert any(end is not None and np.any(end) for end in ends), coupling.name


def count_calls(flow):
    """Replaces every conditioner by one that counts; returns the lists of its calls."""
    counts = []
    for module in flow.distribution.bijector.submodules:
        if isinstance(module, bijectors.Coupling):
            module.conditioner, calls = counted(module.conditioner)
            counts.append(calls)
    return counts


def counted(conditioner):
    calls = []

    def call(*args, **kwargs):
        calls.append(1)
        return conditioner(*args, **kwargs)

    return call, calls


@every_model
def test_one_conditioner_call_for_everything(name):
    flow = flows.trained(name)
    x = flows.images(2)
    floats, z = x.astype(np.float32), tf.zeros([2, 16])
    flow.compile(keras.optimizers.SGD(1e-6), run_eagerly=True)
    evaluations = {
        "log_prob": lambda: flow.log_prob(x),
        "distribution.log_prob": lambda: flow.distribution.log_prob(floats),
        "sample_and_log_prob": lambda: flow.distribution.experimental_sample_and_log_prob(
            2, seed=1
        ),
        "sample": lambda: flow.sample(2),
        "encode": lambda: flow.encode_and_log_prob(floats),
        "decode": lambda: flow.decode(z),
        "training step": lambda: flow.train_on_batch(x),
        "evaluation": lambda: flow.test_on_batch(x),
    }
    counts = count_calls(flow)
    tf.config.run_functions_eagerly(True)  # so that calls, not traces, are counted
    try:
        for what, evaluate in evaluations.items():
            for calls in counts:
                calls.clear()
            evaluate()
            assert counts and [len(calls) for calls in counts] == [1] * len(counts), what
    finally:
        tf.config.run_functions_eagerly(False)


@every_model
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes(name, dtype):
    flow = flows.randomize(flows.small(name, dtype=dtype))
    x = flows.images(2)
    assert flow.distribution.dtype == dtype
    values = [flow.log_prob(x), flow.sample(2), flow.encode(x), flow.decode(flow.encode(x))]
    assert {value.dtype.name for value in values} == {dtype}
    assert {v.dtype for v in flow.trainable_variables} == {dtype}
    # Float input of the other kind is converted.
    other = x.astype("float64" if dtype == "float32" else "float32")
    np.testing.assert_allclose(flow.log_prob(other), flow.log_prob(x.astype(dtype)), rtol=1e-4)


@every_model
def test_sample_and_log_prob_agree_with_the_distribution(name):
    flow = flows.trained(name)
    x, log_prob = flow.distribution.experimental_sample_and_log_prob(4, seed=(1, 2))
    np.testing.assert_allclose(flow.log_prob(x), log_prob, rtol=1e-3)
    np.testing.assert_allclose(flow.distribution.log_prob(tf.identity(x)), log_prob, rtol=1e-3)
