"""What a user calls on a flow: sampling, encoding, integers, summary."""

import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows

X = flows.images(6)


@pytest.fixture(scope="module", params=flows.NAMES)
def flow(request):
    return flows.randomize(flows.small(request.param))


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


def test_summary_lists_the_classifier():
    lines = []
    tfflows.Glow((4, 4, 2), levels=1, depth=1, width=4, classes=3, class_loss=0.1).summary(
        print_fn=lines.append
    )
    # From 8 channels to 3 classes: weights, biases and scales.
    assert any("classifier (ZeroDense)" in line and " 30 " in f"{line} " for line in lines)


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
