"""InvertibleConv: its matrix from its factors, its log-det, its start."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import bijectors as tfb

both = pytest.mark.parametrize("parameterization", ["plu", "full"])


def conv(parameterization="plu", event_shape=(2, 3, 4), seed=0, dtype=tf.float64):
    layer = tfb.InvertibleConv(
        event_shape, parameterization=parameterization, seed=seed, dtype=dtype
    )
    rng = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign_add(0.3 * rng.normal(size=variable.shape))
    return layer


def test_plu_matrix_is_the_product_of_its_factors():
    layer = conv()
    lower = np.tril(layer.lower, -1) + np.eye(4)
    upper = np.triu(layer.upper, 1) + np.diag(layer.sign * np.exp(layer.log_s))
    np.testing.assert_allclose(layer.matrix(), layer.permutation @ lower @ upper)
    permutation = layer.permutation.numpy()
    np.testing.assert_array_equal(permutation @ permutation.T, np.eye(4))
    assert set(np.abs(layer.sign)) == {1.0}


def test_plu_ignores_the_other_triangles():
    """Their gradient is zero, so a decay of the weights cannot leak into the matrix."""
    layer = conv()
    before = layer.matrix().numpy()
    layer.lower.assign_add(np.triu(np.ones((4, 4))))
    layer.upper.assign_add(np.tril(np.ones((4, 4))))
    np.testing.assert_array_equal(layer.matrix(), before)


@both
def test_log_det_is_that_of_the_matrix_at_every_position(parameterization):
    layer = conv(parameterization)
    expected = 6 * np.linalg.slogdet(layer.matrix())[1]
    _, log_det = layer.inverse_and_log_det(tf.zeros([1, 2, 3, 4], tf.float64))
    np.testing.assert_allclose(log_det, expected, rtol=1e-12)
    assert abs(expected) > 0.1


@both
def test_inverse_applies_the_matrix_and_forward_its_inverse(parameterization):
    layer = conv(parameterization)
    x = np.random.default_rng(2).normal(size=(5, 2, 3, 4))
    z = layer.inverse(x)
    np.testing.assert_allclose(z[1, 1, 2], layer.matrix().numpy() @ x[1, 1, 2])
    solved = np.linalg.solve(layer.matrix(), x[1, 1, 2])
    np.testing.assert_allclose(layer.forward(x)[1, 1, 2], solved)


@both
def test_starts_as_a_rotation_by_its_seed(parameterization):
    def start(seed):
        layer = tfb.InvertibleConv((6,), parameterization=parameterization, seed=seed)
        return layer.matrix().numpy()

    np.testing.assert_allclose(start(0) @ start(0).T, np.eye(6), atol=1e-6)
    np.testing.assert_array_equal(start(0), start(0))
    assert np.abs(start(0) - start(1)).max() > 0.1
    layer = tfb.InvertibleConv((2, 2, 6), parameterization=parameterization, seed=0)
    _, log_det = layer.inverse_and_log_det(tf.zeros([1, 2, 2, 6]))
    np.testing.assert_allclose(log_det, 0, atol=1e-5)


def test_both_parameterizations_start_alike():
    plu, full = (
        tfb.InvertibleConv((5,), parameterization=p, seed=3, dtype=tf.float64)
        for p in ("plu", "full")
    )
    np.testing.assert_allclose(plu.matrix(), full.matrix(), atol=1e-12)


def test_without_a_seed_the_global_generator_of_numpy_decides():
    def start():
        return tfb.InvertibleConv((4,)).matrix().numpy()

    np.random.seed(7)
    first, second = start(), start()
    np.random.seed(7)
    np.testing.assert_array_equal(start(), first)
    assert np.abs(first - second).max() > 0.1


def test_trains_what_it_should():
    names = {v.name.split(":")[0] for v in conv().trainable_variables}
    assert names == {"log_s", "lower", "upper"}
    assert [v.shape for v in conv("full").trainable_variables] == [(4, 4)]


@pytest.mark.parametrize("batch", [(0,), (2, 0), (0, 2)])
def test_empty_batches_keep_their_shape(batch):
    bijector = tfb.InvertibleConv((3,), seed=0)
    z, _ = bijector.inverse_and_log_det(tf.zeros([*batch, 3]))
    assert z.shape == bijector.forward(z).shape == (*batch, 3)
