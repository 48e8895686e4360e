"""The bound by several draws of dequantization noise, alone and in every loop that evaluates."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import tfflows
from tests.models import flows
from tfflows.models.bound import importance_bound
from tfflows.models.dequantization import dequantize

X = flows.images(20)


def compiled(flow, **options):
    flow.compile(keras.optimizers.SGD(1e-3), **options)
    return flow


def weights(flow, x, samples):
    """`log p(x + u_j) - log q(u_j | x)` for each draw by the flow's float densities, NumPy."""
    rows = []
    for seed in range(samples):
        if flow.dequantizer is None:
            y, log_q = dequantize(tf.constant(x), 3, seed, tf.float32, flow.bins), 0.0
        else:
            y, log_q = flow.dequantizer(x, seed=seed)
        rows.append(np.asarray(flow.log_prob(y) - log_q, np.float64))
    return np.stack(rows)


def bound(rows):
    return scipy.special.logsumexp(rows, axis=0) - np.log(len(rows))


@pytest.fixture(scope="module", params=["nice", "nice_variational", "realnvp", "glow"])
def flow(request):
    kind, _, learned = request.param.partition("_")
    return compiled(flows.variational(kind) if learned else flows.trained(kind))


def test_is_the_mean_of_the_ratios(flow):
    rows = weights(flow, X, 5)
    for samples in (1, 2, 5):
        ours = flow.log_prob(X, dequantization_samples=samples)
        np.testing.assert_allclose(ours, bound(rows[:samples]), rtol=1e-5)
    assert np.std(rows, axis=0).mean() > 1e-2
    np.testing.assert_array_equal(flow.log_prob(X, dequantization_samples=1), flow.log_prob(X))


def test_evaluate_gives_the_same_whatever_the_batches(flow):
    expected = -bound(weights(flow, X, 3)).mean()
    before = flow.evaluate(X, verbose=0)
    for data, size in (X, 20), (X[::-1], 7):
        options = {"batch_size": size, "verbose": 0, "return_dict": True}
        found = flow.evaluate(data, dequantization_samples=3, **options)
        np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
        np.testing.assert_allclose(found["bits_per_dim"], expected / 16 / np.log(2), rtol=1e-5)
    assert abs(found["loss"] - before[0]) > 1e-3
    assert flow.evaluate(X, verbose=0) == before
    np.testing.assert_allclose(flow.predict(X, verbose=0), flow.log_prob(X), rtol=1e-5)


def test_rises_with_the_number_of_draws():
    """Of a density that is narrow within the cells, which few draws of uniform noise hit."""
    flow = tfflows.Flow(flows.comb(), bins=4)
    x = np.random.default_rng(0).integers(0, 4, (200, 2))
    means = [np.mean(flow.log_prob(x, dequantization_samples=k)) for k in (1, 4, 16, 64, 1024)]
    assert (np.diff(means) > 0.1).all(), means
    np.testing.assert_allclose(means[-1], -2 * np.log(4), atol=0.1)


def test_an_evaluation_of_several_leaves_one_draw_even_if_it_fails():
    flow = compiled(flows.trained("nice"))
    before, start = flow.evaluate(X, verbose=0), flow.get_weights()
    function = flow.test_function
    with pytest.raises(ValueError, match="or integer data. Received: dequantization_samples=4"):
        flow.evaluate(X.astype(np.float32), dequantization_samples=4, verbose=0)
    assert flow.test_function is function
    assert flow.evaluate(X, verbose=0) == before
    fresh = compiled(flows.trained("nice"))
    fresh.set_weights(start)
    fresh.evaluate(X, dequantization_samples=2, verbose=0)
    np.testing.assert_allclose(fresh.predict(X, verbose=0), fresh.log_prob(X), rtol=1e-5)
    assert fresh.evaluate(X, verbose=0) == before


def operations(flow, samples):
    @tf.function(autograph=False)
    def function(x):
        return flow.log_prob(x, dequantization_samples=samples)

    graph = function.get_concrete_function(tf.TensorSpec([None, *flows.SHAPE], tf.uint8)).graph
    return len(graph.as_graph_def().node), sum(
        len(function.node_def) for function in graph.as_graph_def().library.function
    )


def test_the_graph_does_not_grow_with_the_draws():
    flow = flows.trained("nice")
    assert operations(flow, 2) == operations(flow, 100)


def test_compiled_by_xla():
    flow, results = flows.variational("realnvp"), []
    for jit_compile in (False, True):
        compiled(flow, jit_compile=jit_compile)
        results.append(flow.evaluate(X[:8], dequantization_samples=3, verbose=0))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4)


def test_two_replicas_and_conditions(two_replicas):
    def evaluated(strategy):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            flow = flows.variational("nice", condition_shape=(3,))
            compiled(flow, jit_compile=False)
        return flow, flow.evaluate(data, batch_size=8, dequantization_samples=3, verbose=0)

    condition = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)
    data = {"x": X, "condition": condition}
    one, expected = evaluated(tf.distribute.get_strategy())
    _, found = evaluated(two_replicas)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    log_prob = one.log_prob(X, condition, dequantization_samples=3)
    np.testing.assert_allclose(expected[0], -np.mean(log_prob), rtol=1e-5)
    other = one.log_prob(X, 0 * condition, dequantization_samples=3)
    assert np.ptp(log_prob - other) > 1e-3


def test_impossible_draws_count_as_nothing():
    none = -np.inf
    table = np.array(
        [[none, -800.0, none, 1.0], [-900.0, none, none, np.nan], [-901.0, 3, none, 0]]
    )

    def log_weight(seed):
        return tf.gather(tf.constant(table), seed)

    found = importance_bound(log_weight, 3, tf.zeros([4], tf.float64)).numpy()
    np.testing.assert_allclose(found, bound(table), rtol=1e-12)
    assert found[2] == none and np.isnan(found[3]) and np.isfinite(found[:2]).all()


@pytest.mark.parametrize("learned", [False, True])
def test_reaches_the_probability_of_the_cell(learned):
    """Of a model of two elements, whose density is integrated over the cell by a grid."""
    options = {"bins": 4, "batch_norm": False}
    flow = (flows.variational if learned else flows.trained)("realnvp", (2,), **options)
    x = np.stack(np.meshgrid(range(4), range(4)), axis=-1).reshape(-1, 2)
    side = (np.arange(100) + 0.5) / 100
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    points = (x[:, None] + grid).astype(np.float32)
    exact = bound(np.asarray(flow.log_prob(points), np.float64).T)
    assert 0.2 < np.exp(exact).sum() < 1.001  # the logit's margins have the rest
    found = flow.log_prob(x, dequantization_samples=3000)
    np.testing.assert_allclose(found, exact, atol=0.04)
    seeds = [flow.log_prob(x, dequantization_samples=k).numpy() for k in (1, 10)]
    assert np.mean(seeds[0]) < np.mean(seeds[1]) < np.mean(exact)


REFUSED = [(0, "Received: dequantization_samples=0"), (2.0, "samples=2.0"), (True, "samples=True")]


@pytest.mark.parametrize("samples, message", REFUSED)
def test_refuses_what_is_no_number(samples, message):
    flow = flows.fresh("nice")
    for call in (flow.log_prob, compiled(flow).evaluate):
        with pytest.raises(ValueError, match=f"an int of at least 1. .*{message}"):
            call(X, dequantization_samples=samples)


def test_refuses_several_draws_where_there_is_no_noise():
    vectors = compiled(tfflows.NICE((4,), depth=1, width=4, hidden_layers=1))
    for call in (vectors.log_prob, vectors.evaluate):
        with pytest.raises(ValueError, match="no bins. Received: dequantization_samples=2"):
            call(np.zeros((2, 4), np.float32), dequantization_samples=2)
        call(np.zeros((2, 4), np.float32), dequantization_samples=1)
    with pytest.raises(ValueError, match="samples=2, x.dtype=float32"):
        flows.fresh("nice").log_prob(X.astype(np.float32), dequantization_samples=2)
