"""Flows with a variational dequantizer: density, training, files, devices and exports."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows

every_model = pytest.mark.parametrize("name", flows.NAMES)
# The others trace the same dequantizer in front of more of what has its own tests.
deep = [pytest.param(name, marks=pytest.mark.deep) for name in flows.NAMES if name != "nice"]
one_model = pytest.mark.parametrize("name", ["nice", *deep])
X = flows.images(24)


def compiled(flow, **options):
    flow.compile(keras.optimizers.Adam(1e-2), **options)
    return flow


@every_model
def test_integers_have_the_bound_and_floats_the_density(name):
    flow = flows.variational(name)
    y, log_q = flow.dequantizer(X)
    log_prob = flow.log_prob(y) - log_q
    np.testing.assert_allclose(flow.log_prob(X), log_prob, rtol=1e-5)
    assert abs(log_q).numpy().max() > 1e-2
    plain = tfflows.Flow(flow.distribution, bins=flow.bins)
    np.testing.assert_allclose(plain.log_prob(y), flow.log_prob(y), rtol=1e-5)
    z, again = flow.encode_and_log_prob(X)
    np.testing.assert_allclose(again, log_prob, rtol=1e-5)
    np.testing.assert_allclose(flow.decode(z), y, atol=1e-3)
    np.testing.assert_array_equal(flow.to_integers(flow.decode(z)), X)


@every_model
def test_a_fresh_one_gives_the_bound_of_uniform_noise(name):
    keras.utils.set_random_seed(0)
    flow = flows.fresh(name)
    keras.utils.set_random_seed(0)
    learned = flows.fresh(name, dequantizer="variational")
    for model in (flow, learned):
        model.initialize(X)
    np.testing.assert_allclose(learned.log_prob(X), flow.log_prob(X), rtol=1e-3)


@every_model
def test_is_trained_with_the_flow(name):
    flow = compiled(flows.small(name, dequantizer=flows.dequantizer()))
    own = [v.numpy() for v in flow.dequantizer.trainable_variables]
    ids = {id(v) for v in flow.trainable_variables}
    assert {id(v) for v in flow.dequantizer.trainable_variables} <= ids
    losses = flow.fit(X, batch_size=8, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    moved = [
        np.any(v.numpy() != old)
        for v, old in zip(flow.dequantizer.trainable_variables, own, strict=True)
    ]
    assert all(moved)


def test_learns_where_the_density_is_within_the_cells():
    """Uniform noise mostly misses what is narrow."""
    dequantizer = flows.dequantizer((2,), bins=4, width=8)
    flow = tfflows.Flow(flows.comb(), bins=4, dequantizer=dequantizer)
    flow.compile(keras.optimizers.Adam(3e-2))
    x = np.random.default_rng(0).integers(0, 4, (256, 2))
    before = flow.evaluate(x, verbose=0, return_dict=True)["bits_per_dim"]
    flow.fit(x, epochs=40, batch_size=64, verbose=0)
    after = flow.evaluate(x, verbose=0, return_dict=True)["bits_per_dim"]
    assert before > 10
    assert 2 <= after < 2.1  # 2 is the entropy, which no bound reaches from below


@every_model
def test_files_keep_it(name, tmp_path):
    flow = flows.variational(name)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    assert json.dumps(loaded.get_config()) == json.dumps(flow.get_config())
    assert loaded.dequantizer.width == 4 and loaded.dequantizer is not flow.dequantizer
    for variable, other in zip(flow.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), other.numpy())
    np.testing.assert_allclose(loaded.log_prob(X), flow.log_prob(X), rtol=1e-5)
    flow.save_weights(tmp_path / "flow.weights.h5")
    other = type(flow).from_config(flow.get_config())
    other.load_weights(tmp_path / "flow.weights.h5")
    np.testing.assert_allclose(other.log_prob(X), flow.log_prob(X), rtol=1e-5)


@one_model
def test_two_replicas_train_as_one_device(name, two_replicas):
    def run(strategy):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            flow = flows.small(name, dequantizer=flows.dequantizer())
            flow.compile(keras.optimizers.SGD(1e-3), jit_compile=False)
        data = tf.data.Dataset.from_tensor_slices(X).batch(8)
        losses = flow.fit(data, epochs=2, verbose=0).history["loss"]
        return flow, losses, flow.evaluate(data, verbose=0)[0]

    one, expected, expected_evaluation = run(tf.distribute.get_strategy())
    two, losses, evaluation = run(two_replicas)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    np.testing.assert_allclose(evaluation, expected_evaluation, rtol=1e-3)
    for variable, other in zip(two.dequantizer.variables, one.dequantizer.variables, strict=True):
        first, second = (v.numpy() for v in variable.value.values)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, other, rtol=1e-2, atol=1e-3)


@one_model
def test_recomputation_gives_the_same_gradients(name):
    flats = []
    for recompute in (False, True):
        keras.utils.set_random_seed(0)
        flow = flows.variational(name, recompute=recompute, dtype="float64")
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(flow(tf.constant(X), training=True))
        gradients = tape.gradient(loss, [v.value for v in flow.dequantizer.trainable_variables])
        flats.append(np.concatenate([np.ravel(g) for g in gradients]))
    assert np.linalg.norm(flats[0]) > 1e-3
    np.testing.assert_allclose(flats[1], flats[0], rtol=1e-7, atol=1e-9)


@one_model
def test_xla_gives_the_same(name):
    losses = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        flow = compiled(flows.variational(name), jit_compile=jit_compile)
        losses.append([float(flow.train_on_batch(X[:8])[0]) for _ in range(2)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


def test_bfloat16_networks():
    flow = compiled(flows.small("nice", precision="mixed_bfloat16", dequantizer="variational"))
    assert flow.dequantizer.context.compute_dtype == "bfloat16"
    assert {v.dtype for v in flow.trainable_variables} == {"float32"}
    assert flow.dequantizer(X)[1].dtype == tf.float32
    losses = flow.fit(X, batch_size=8, epochs=6, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


@one_model
def test_exported_bounds(name, tmp_path):
    flow = flows.variational(name)
    path = tfflows.export_saved_model(flow, tmp_path)
    served = tf.saved_model.load(str(path)).signatures["log_prob_integers"](
        x=tf.constant(X, tf.int32)
    )
    np.testing.assert_allclose(served["log_prob"], flow.log_prob(X), rtol=1e-4)


def test_summary_counts_it():
    flow, lines = flows.variational("nice"), []
    flow.summary(print_fn=lines.append)
    (row,) = [line for line in lines if "(VariationalDequantizer)" in line]
    own = sum(int(np.prod(v.shape)) for v in flow.dequantizer.variables)
    assert f" {own:,}" in row
    assert f"Parameters: {flow.count_params():,}" in lines[-1]


REFUSED = {
    "no dequantizer": (TypeError, "or None. Received: dequantizer=3", {"dequantizer": 3}),
    "a word": (ValueError, "Received: dequantizer='uniform'", {"dequantizer": "uniform"}),
    "no bins": (
        ValueError,
        "Expected bins with a dequantizer. Received: bins=None",
        {"dequantizer": "variational", "bins": None},
    ),
    "other bins": (
        ValueError,
        "of bins=17, the flow's. Received: dequantizer.bins=16",
        {"dequantizer": flows.dequantizer(bins=16)},
    ),
    "another shape": (
        ValueError,
        "of event_shape=(4, 4, 1), the flow's. Received: dequantizer.event_shape=(16,)",
        {"dequantizer": flows.dequantizer((16,))},
    ),
    "another dtype": (
        ValueError,
        "of variable_dtype='float32', the flow's. Received: dequantizer.variable_dtype='float64'",
        {"dequantizer": flows.dequantizer(dtype="float64")},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    error, message, options = REFUSED[case]
    with pytest.raises(error) as caught:
        flows.fresh("nice", **options)
    assert message in str(caught.value)
