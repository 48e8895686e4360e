"""What a user calls on a flow: sampling, encoding, summary, and what is refused."""

import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows

tfd, tfb = tfp.distributions, tfp.bijectors
every_model = pytest.mark.parametrize("name", flows.NAMES)
X = flows.images(6)


@pytest.fixture(scope="module", params=flows.NAMES)
def flow(request):
    return flows.trained(request.param)


@pytest.fixture(scope="module")
def vectors():
    return flows.trained("nice", (4,), bins=None)


def test_shapes_and_round_trips(flow):
    assert flow.event_shape == (4, 4, 1) and flow.latent_shape == (16,) and flow.bins == 17
    x = X + np.float32(0.25)
    z, log_prob = flow.encode_and_log_prob(x)
    assert z.shape == (6, 16) and log_prob.shape == (6,)
    np.testing.assert_array_equal(flow.encode(x), z)
    np.testing.assert_allclose(flow.log_prob(x), log_prob, rtol=1e-5)
    np.testing.assert_allclose(flow.decode(z), x, atol=1e-3)
    integers = flow.to_integers(flow.decode(flow.encode(X)))
    assert integers.dtype == tf.uint8
    np.testing.assert_array_equal(integers, X)


def test_batch_shapes(flow):
    """One datum, and batches of batches."""
    x = X.astype(np.float32)
    log_prob = flow.log_prob(x).numpy()
    assert flow.log_prob(x[0]).shape == ()
    np.testing.assert_allclose(flow.log_prob(x[0]), log_prob[0], rtol=1e-5)
    np.testing.assert_allclose(
        flow.log_prob(x.reshape(2, 3, 4, 4, 1)), log_prob.reshape(2, 3), rtol=1e-5
    )
    assert flow.decode(flow.encode(x[0])).shape == (4, 4, 1)


def test_integers_are_dequantized_and_floats_are_not(flow):
    floats = X.astype(np.float32)
    assert abs(flow.log_prob(X) - flow.log_prob(floats)).numpy().max() > 1e-3
    np.testing.assert_array_equal(flow.log_prob(X), flow.log_prob(X.astype(np.int32)))
    np.testing.assert_array_equal(flow.log_prob(X), flow.log_prob(tf.constant(X)))


def test_samples_repeat_by_seed(flow):
    first = flow.sample(3, seed=1).numpy()
    assert first.shape == (3, 4, 4, 1) and np.isfinite(first).all()
    tf.random.set_seed(7)
    np.testing.assert_array_equal(flow.sample(3, seed=1), first)
    assert abs(flow.sample(3, seed=2) - first).numpy().max() > 1e-3
    assert abs(flow.sample(3) - flow.sample(3)).numpy().max() > 1e-3
    assert flow.sample().shape == (1, 4, 4, 1)


def test_temperature_scales_the_latents(flow):
    z = flow.encode(flow.sample(64, seed=1)).numpy()
    cool = flow.encode(flow.sample(64, temperature=0.5, seed=1)).numpy()
    np.testing.assert_allclose(cool, 0.5 * z, atol=2e-2)
    cold = flow.sample(3, temperature=0.0).numpy()
    np.testing.assert_allclose(
        cold, np.broadcast_to(flow.decode(np.zeros([1, 16])), cold.shape), atol=1e-4
    )


def test_samples_follow_the_density():
    """The moments of samples are those of importance-weighted uniform points."""
    flow = flows.trained("realnvp", (2,), bins=None)
    samples = flow.sample(20000, seed=0).numpy()
    side = np.linspace(-8, 8, 321, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    density = np.exp(flow.log_prob(grid).numpy().astype(np.float64))
    density /= density.sum()
    mean = density @ grid
    np.testing.assert_allclose(samples.mean(axis=0), mean, atol=0.03)
    np.testing.assert_allclose(samples.var(axis=0), density @ (grid - mean) ** 2, rtol=0.05)


def test_to_integers_clips():
    flow = flows.trained("nice")
    values = tf.constant([-3.0, 0.0, 0.99, 15.5, 16.99, 17.0, 99.0])
    np.testing.assert_array_equal(flow.to_integers(values), [0, 0, 0, 15, 16, 16, 16])
    assert flows.fresh("nice", bins=300).to_integers(values).dtype == tf.int32


def test_evaluations_see_new_weights(flow):
    """No cache of TFP outlives a change of the weights."""
    x = tf.constant(X.astype(np.float32))
    before = flow.log_prob(x), flow.encode(x), flow.decode(tf.zeros([1, 16]))
    old = flow.get_weights()
    flows.randomize(flow, seed=3)
    after = flow.log_prob(x), flow.encode(x), flow.decode(tf.zeros([1, 16]))
    flow.set_weights(old)
    assert all(abs(a - b).numpy().max() > 1e-3 for a, b in zip(before, after, strict=True))


def test_summary_lists_every_layer_and_the_totals(flow):
    lines = []
    flow.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert f"({type(flow).__name__})" in lines[0]
    for layer in flow.distribution.bijector.layers:
        rows = [line for line in lines if line.strip().startswith(f"{layer.name} (")]
        trainable = sum(int(np.prod(v.shape)) for v in layer.trainable_variables)
        assert any(str(layer.latent_shape) in row and f" {trainable:,}" in row for row in rows)
    trainable = sum(int(np.prod(v.shape)) for v in flow.trainable_variables)
    total = trainable + sum(int(np.prod(v.shape)) for v in flow.non_trainable_variables)
    assert f"Parameters: {total:,} ({trainable:,} trainable, {total - trainable:,} fixed)" in text
    assert total == flow.count_params()
    parts = [m for m in flow.distribution.bijector.submodules if hasattr(m, "latent_shape")]
    couplings = sum("(Coupling)" in line for line in lines)
    assert couplings == sum(type(part).__name__ == "Coupling" for part in parts)
    flow.summary(line_length=120, print_fn=lambda line: lines.append(line))
    assert len(lines[-3].rstrip()) >= 100 or any(len(line) >= 118 for line in lines)


# What is refused.


def normal(shape=(2,)):
    return tfd.Independent(tfd.Normal(tf.zeros(shape), 1.0), len(shape))


def nice(**options):
    return lambda: flows.fresh("nice", **options)


def nans():
    return np.full((2, 4, 4, 1), np.nan, np.float32)


REFUSED = {
    "no distribution": (
        TypeError,
        "tfp.distributions.Distribution. Received: distribution=3",
        lambda: tfflows.Flow(3),
    ),
    "a batch of distributions": (
        ValueError,
        "without a batch shape",
        lambda: tfflows.Flow(tfd.MultivariateNormalDiag(tf.zeros([3, 2]))),
    ),
    "scalars": (ValueError, "of vectors or images", lambda: tfflows.Flow(tfd.Normal(0.0, 1.0))),
    "a structure": (
        ValueError,
        "of one tensor",
        lambda: tfflows.Flow(tfd.JointDistributionSequential([tfd.Normal(0.0, 1.0)])),
    ),
    "bins 1": (
        ValueError,
        "at least 2, or None. Received: bins=1",
        lambda: tfflows.Flow(normal(), bins=1),
    ),
    "bins True": (ValueError, "Received: bins=True", lambda: tfflows.Flow(normal(), bins=True)),
    "bins 2.5": (ValueError, "Received: bins=2.5", lambda: tfflows.Flow(normal(), bins=2.5)),
    "event rank": (ValueError, "Expected event_shape (dim,)", lambda: flows.fresh("nice", (4, 4))),
    "one element": (ValueError, "dim at least 2", lambda: flows.fresh("nice", (1,))),
    "vectors for Glow": (
        ValueError,
        "Expected event_shape (height, width, channels)",
        lambda: flows.fresh("glow", (4,)),
    ),
    "no shape": (
        ValueError,
        "to be a shape. Received: event_shape='ab'",
        lambda: flows.fresh("nice", "ab"),
    ),
    "Glow levels": (
        ValueError,
        "divisible by 8. Received: event_shape=(4, 4, 1), levels=3",
        lambda: flows.fresh("glow", levels=3),
    ),
    "odd height": (
        ValueError,
        "divisible by 4. Received: event_shape=(6, 4, 1)",
        lambda: flows.fresh("glow", (6, 4, 1)),
    ),
    "RealNVP levels": (ValueError, "divisible by 8", lambda: flows.fresh("realnvp", levels=4)),
    "levels 0": (ValueError, "Received: levels=0", lambda: flows.fresh("glow", levels=0)),
    "depth 0": (ValueError, "Received: depth=0", lambda: flows.fresh("glow", depth=0)),
    "RealNVP depth": (ValueError, "Received: depth=-1", lambda: flows.fresh("realnvp", depth=-1)),
    "width": (ValueError, "Received: width=1.5", nice(width=1.5)),
    "blocks": (ValueError, "Received: blocks=0", lambda: flows.fresh("realnvp", blocks=0)),
    "hidden layers": (ValueError, "Received: hidden_layers=0", nice(hidden_layers=0)),
    "base": (ValueError, "['logistic', 'normal']. Received: base='uniform'", nice(base="uniform")),
    "transform": (
        ValueError,
        "Received: transform='spline'",
        lambda: flows.fresh("glow", transform="spline"),
    ),
    "permutation": (
        ValueError,
        "Received: permutation='lu'",
        lambda: flows.fresh("glow", permutation="lu"),
    ),
    "data range": (ValueError, "other than zero", nice(data_range=(1, 1))),
    "n 0": (ValueError, "at least 1. Received: n=0", lambda: SHARED.sample(0)),
    "n -2": (ValueError, "Received: n=-2", lambda: SHARED.sample(-2)),
    "n 1.5": (ValueError, "Received: n=1.5", lambda: SHARED.sample(1.5)),
    "temperature": (
        ValueError,
        "at least 0. Received: temperature=-0.1",
        lambda: SHARED.sample(1, -0.1),
    ),
    "temperature nan": (
        ValueError,
        "Received: temperature=nan",
        lambda: SHARED.sample(1, float("nan")),
    ),
    "temperature text": (ValueError, "Received: temperature='1'", lambda: SHARED.sample(1, "1")),
    "seed": (ValueError, "an int or None. Received: seed=1.5", lambda: SHARED.sample(1, seed=1.5)),
    "rank": (
        ValueError,
        "Expected x of shape [*batch, 4, 4, 1]. Received: x.shape=(4, 4)",
        lambda: SHARED.log_prob(np.zeros((4, 4))),
    ),
    "shape": (
        ValueError,
        "Received: x.shape=(2, 4, 4, 3)",
        lambda: SHARED.encode(np.zeros((2, 4, 4, 3))),
    ),
    "latent shape": (
        ValueError,
        "Expected z of shape [*batch, 16]. Received: z.shape=(2, 15)",
        lambda: SHARED.decode(np.zeros((2, 15))),
    ),
    "non-finite": (
        ValueError,
        "Expected finite values in x. Received: 32 of 32",
        lambda: SHARED.log_prob(nans()),
    ),
    "above the bins": (
        ValueError,
        "from 0 to 16 in x. Received: values from 0 to 17",
        lambda: SHARED.log_prob(np.arange(32).reshape(2, 4, 4, 1) % 18),
    ),
    "below zero": (
        ValueError,
        "Received: values from -1 to",
        lambda: SHARED.log_prob(X.astype(int) - 1),
    ),
    "text": (
        TypeError,
        "integer or floating data. Received: x.dtype=string",
        lambda: SHARED.log_prob(np.full((1, 4, 4, 1), "a")),
    ),
    "integers without bins": (
        ValueError,
        "since the model has no bins",
        lambda: tfflows.Flow(normal()).log_prob(np.zeros((1, 2), int)),
    ),
    "to_integers without bins": (
        ValueError,
        "Received: bins=None",
        lambda: tfflows.Flow(normal()).to_integers(0.0),
    ),
    "initialize non-finite": (
        ValueError,
        "Expected finite values in x",
        lambda: SHARED.initialize(nans()),
    ),
}
SHARED = flows.fresh("nice")


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    error, message, call = REFUSED[case]
    with pytest.raises(error, match=re.escape(message)):
        call()


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_bad_data_stops_keras_loops(method, vectors):
    flow = flows.trained("nice")
    flow.compile("sgd")
    data = tf.data.Dataset.from_tensor_slices(nans()).batch(2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected finite values in x"):
        getattr(flow, method)(data, verbose=0)


def test_bad_arrays_are_refused_before_training():
    flow = flows.trained("nice")
    flow.compile("sgd")
    with pytest.raises(ValueError, match="Expected finite values in x. Received: 32 of 32"):
        flow.fit(nans(), verbose=0)
    with pytest.raises(ValueError, match="Expected integers from 0 to 16 in x"):
        flow.fit(X + np.uint8(16), verbose=0)
    with pytest.raises(ValueError, match=r"Expected x of shape \[\*batch, 4, 4, 1\]"):
        flow.fit(np.zeros((2, 4, 4)), verbose=0)
    with pytest.raises(ValueError, match="Expected the keys x and condition. Received: keys="):
        flow.fit({"image": X}, verbose=0)
