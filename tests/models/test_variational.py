"""The variational dequantizer by itself: its density, its start, its place within the cells."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from tests.models import flows, weights
from tests.reference import dequantizer as reference
from tfflows.models.dequantization import noise

SHAPES = [(4, 4, 1), (2, 3, 2), (5,), (4,), (1,), (1, 1, 3), (2, 2)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def randomized(shape=flows.SHAPE, **options):
    return flows.randomize(flows.dequantizer(shape, **options), scale=0.4)


def data(shape=flows.SHAPE, n=6, bins=flows.BINS):
    return np.random.default_rng(0).integers(0, bins, (n, *shape))


@every_shape
def test_a_fresh_one_is_uniform_noise(shape):
    x = data(shape)
    y, log_q = flows.dequantizer(shape, dtype="float64")(x, seed=3)
    v = noise(tf.constant(x), len(shape), 3, tf.float64, 23)
    np.testing.assert_allclose(y - x, v, atol=1e-12)
    np.testing.assert_allclose(log_q, np.zeros(6), atol=1e-12)


@every_shape
def test_log_q_is_that_of_the_map_by_autodiff(shape):
    made = randomized(shape, dtype="float64")
    size = int(np.prod(shape))
    for index, x in enumerate(data(shape, 3)):
        values = tf.constant(np.tile(x.reshape(1, *made._shape), [size] + [1] * len(made._shape)))
        v = np.random.default_rng(index).uniform(0.01, 0.99, made._shape)
        copies = tf.constant(np.tile(v, [size] + [1] * v.ndim))  # a row of the Jacobian from each
        with tf.GradientTape() as tape:
            tape.watch(copies)
            u, log_q = made._transformed(copies, tf.cast(values, tf.float64))
            rows = tf.linalg.diag_part(tf.reshape(u, [size, size]))
        jacobian = np.reshape(tape.gradient(rows, copies), [size, size])
        np.testing.assert_allclose(log_q[0], -np.linalg.slogdet(jacobian)[1], rtol=1e-8)
        assert abs(log_q[0]) > 1e-2
        assert abs(u[0] - v).numpy().max() > 1e-2


@pytest.mark.parametrize("shape", [(2,), (1, 2, 1)])
def test_q_integrates_to_one(shape):
    """The mean of 1 / q over draws is the volume of what they fill: all of the square."""
    made = randomized(shape, dtype="float64")
    side = np.linspace(-30, 30, 401)  # in logits, where the integrand is smooth
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    area = 0.15**2 * np.prod(scipy.special.expit(grid) * scipy.special.expit(-grid), axis=-1)
    v = scipy.special.expit(grid).reshape(-1, *shape)
    values = np.broadcast_to(np.reshape([3.0, 11.0], shape), v.shape)
    u, log_q = made._transformed(tf.constant(v), tf.constant(values))
    np.testing.assert_allclose(np.sum(np.exp(-log_q) * area), 1.0, atol=1e-3)
    assert np.std(log_q) > 0.05
    cells = np.minimum(9, np.floor(np.reshape(u, [-1, 2]) * 10))
    assert len(np.unique(cells @ [10, 1])) == 100


@pytest.mark.parametrize("shape", [(4, 4, 1), (2, 3, 2), (4,)], ids=str)
def test_is_the_reference(shape):
    made = randomized(shape, dtype="float64", depth=3, blocks=2)
    x = data(shape, 3)
    y, log_q = made(x, seed=5)
    expected, expected_log_q = reference.dequantize(x, 5, weights.of_dequantizer(made), flows.BINS)
    np.testing.assert_allclose(y, expected, rtol=1e-10)
    np.testing.assert_allclose(log_q, expected_log_q, rtol=1e-8)
    assert np.ptp(expected_log_q) > 1e-2


@pytest.mark.parametrize("shape", [(4, 4, 1), (4,)], ids=str)
@pytest.mark.parametrize("bins", [2, 3, 17, 256, 2**16, 2**20])
@pytest.mark.parametrize("push", [-60.0, 60.0])
def test_no_sum_leaves_its_cell(shape, bins, push):
    """Not even where all of u is pushed to an end, and log q stays finite."""
    made = flows.dequantizer(shape, bins=bins)
    for variable in made.variables:
        if variable.path.endswith("out/bias"):
            variable.assign_add(push * tf.ones_like(variable.value))
    x = np.concatenate([data(shape, bins=bins), np.full((2, *shape), bins - 1), data(shape) * 0])
    y, log_q = made(x)
    assert y.dtype == tf.float32 and np.isfinite(log_q).all()
    np.testing.assert_array_equal(np.floor(y), x)
    assert (y.numpy() > x).all()
    at_the_end = abs((y - x).numpy() - (push < 0)) < 1e-4
    assert bins > 256 or at_the_end.mean() > 0.9


def test_depends_on_the_datum_and_the_seed_alone():
    made, x = randomized(), data(n=8)
    y, log_q = made(x, seed=5)
    for batch, take in (x[::-1], slice(None, None, -1)), (x[2:3], slice(2, 3)):
        again, again_log_q = made(batch, seed=5)
        np.testing.assert_allclose(again, y[take], rtol=1e-6)
        np.testing.assert_allclose(again_log_q, log_q[take], atol=1e-4)
    nested, nested_log_q = made(x.reshape(2, 4, *flows.SHAPE).astype(np.uint8), seed=5)
    np.testing.assert_allclose(np.reshape(nested, y.shape), y, rtol=1e-6)
    np.testing.assert_allclose(np.reshape(nested_log_q, [-1]), log_q, atol=1e-4)
    single, single_log_q = made(x[0], seed=tf.constant(5, tf.int64))
    assert single.shape == flows.SHAPE and single_log_q.shape == ()
    np.testing.assert_allclose(single, y[0], rtol=1e-6)
    assert abs(made(x, seed=6)[0] - y).numpy().max() > 0.1


def test_every_variable_gets_a_gradient():
    made = randomized()
    with tf.GradientTape() as tape:
        y, log_q = made(data(), training=True)
        loss = tf.reduce_mean(log_q) + tf.reduce_mean(tf.sin(y))
    gradients = tape.gradient(loss, [v.value for v in made.trainable_variables])
    names = [v.path for v in made.trainable_variables]
    assert len(names) > 20 and sum("rescaling_scale" in name for name in names) == 2
    idle = [n for n, g in zip(names, gradients, strict=True) if g is None or not np.any(g)]
    assert not idle


def test_config_is_the_arguments():
    made = flows.dequantizer(blocks=2, name="mine", dtype="mixed_bfloat16", trainable=False)
    again = type(made).from_config(made.get_config())
    assert again.get_config() == made.get_config()
    assert (again.depth, again.width, again.blocks, again.name) == (2, 4, 2, "mine")
    assert again.variable_dtype == "float32" and not again.trainable_variables
    assert [v.shape for v in again.variables] == [v.shape for v in made.variables]


REFUSED = {
    "bins 1": (ValueError, "Received: bins=1", {"bins": 1}),
    "no bins": (ValueError, "Received: bins=None", {"bins": None}),
    "too many bins": (ValueError, "with room between them in float32", {"bins": 2**23}),
    "depth": (ValueError, "Received: depth=0", {"depth": 0}),
    "width": (ValueError, "Received: width=1.5", {"width": 1.5}),
    "blocks": (ValueError, "Received: blocks=0", {"blocks": 0}),
    "shape": (ValueError, "Received: event_shape=()", {"event_shape": ()}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    error, message, options = REFUSED[case]
    with pytest.raises(error) as caught:
        flows.dequantizer(**options)
    assert message in str(caught.value)


def test_refuses_other_data():
    with pytest.raises(TypeError, match="Expected integers to dequantize. Received: x.dtype=float"):
        flows.dequantizer()(np.zeros((1, 4, 4, 1), np.float32))
    with pytest.raises(ValueError, match="Expected x of shape"):
        flows.dequantizer()(np.zeros((1, 4, 4, 3), int))
