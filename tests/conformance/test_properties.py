"""What every bijector must satisfy, for every row of the registry: values, log-dets and shapes."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.cases import case, close, every_row

VALUE_TOLERANCE = {tf.float32: 1e-4, tf.float64: 1e-10}
LOG_DET_TOLERANCE = {tf.float32: 1e-4, tf.float64: 1e-9}

both_dtypes = pytest.mark.parametrize("dtype", [tf.float32, tf.float64], ids=["float32", "float64"])


def jacobian_log_det(function, values):
    """log|det J| of each value by autodiff: row i of J is the gradient of output i of copy i."""
    size = math.prod(values.shape[1:])

    def one(value):
        copies = tf.stack([value] * size)
        with tf.GradientTape() as tape:
            tape.watch(copies)
            outputs = tf.linalg.diag_part(tf.reshape(function(copies), [size, size]))
        rows = tf.reshape(tape.gradient(outputs, copies), [size, size])
        return np.linalg.slogdet(rows.numpy().astype(np.float64))[1]

    return np.array([one(value) for value in values])


@every_row
@both_dtypes
def test_round_trips(name, dtype):
    c = case(name, dtype)
    b, x, z, kwargs = c.bijector, c.x(3), c.z(3), c.kwargs(3)
    # tf.identity: TFP's cache knows what made a tensor and returns it unchanged.
    close(b.forward(tf.identity(b.inverse(x, **kwargs)), **kwargs), x, VALUE_TOLERANCE[dtype])
    close(b.inverse(tf.identity(b.forward(z, **kwargs)), **kwargs), z, VALUE_TOLERANCE[dtype])


@every_row
def test_is_not_the_identity(name):
    """Otherwise a round trip would prove nothing."""
    c = case(name)
    x, z = c.x(3), c.bijector.inverse(c.x(3), **c.kwargs(3))
    assert z.shape != x.shape or np.abs(z - x).max() > 1e-2


@every_row
@both_dtypes
def test_log_dets_are_those_of_the_jacobians(name, dtype):
    c = case(name, dtype)
    b, condition = c.bijector, c.kwargs(1).get("condition")

    def kwargs(n):
        return {} if condition is None else {"condition": tf.repeat(condition, n, axis=0)}

    for pair, method, values in (
        (b.inverse_and_log_det, b.inverse, c.x(2)),
        (b.forward_and_log_det, b.forward, c.z(2)),
    ):
        log_det = tf.broadcast_to(pair(values, **kwargs(2))[1], [2])
        expected = jacobian_log_det(lambda v, m=method: m(v, **kwargs(v.shape[0])), values)
        close(log_det, expected, LOG_DET_TOLERANCE[dtype])


@every_row
def test_log_dets_are_opposite(name):
    c = case(name, tf.float64)
    z, inverse = c.bijector.inverse_and_log_det(c.x(3), **c.kwargs(3))
    _, forward = c.bijector.forward_and_log_det(z, **c.kwargs(3))
    close(forward, -inverse, 1e-9)


@every_row
def test_pairs_equal_the_methods_of_tfp(name):
    c = case(name)
    b, x, z, kwargs = c.bijector, c.x(3), c.z(3), c.kwargs(3)
    value, log_det = b.inverse_and_log_det(x, **kwargs)
    close(b.inverse(tf.identity(x), **kwargs), value)
    close(b.inverse_log_det_jacobian(tf.identity(x), len(b.event_shape), **kwargs), log_det)
    value, log_det = b.forward_and_log_det(z, **kwargs)
    close(b.forward(tf.identity(z), **kwargs), value)
    close(b.forward_log_det_jacobian(tf.identity(z), len(b.latent_shape), **kwargs), log_det)


@every_row
@both_dtypes
def test_values_have_the_dtype_and_static_shapes(name, dtype):
    c = case(name, dtype)
    b = c.bijector
    assert b.dtype in (None, dtype)
    for value, log_det, shape in (
        (*b.inverse_and_log_det(c.x(3), **c.kwargs(3)), b.latent_shape),
        (*b.forward_and_log_det(c.z(3), **c.kwargs(3)), b.event_shape),
    ):
        assert value.dtype == log_det.dtype == dtype
        assert value.shape == (3, *shape)
        assert log_det.shape == (() if b.is_constant_jacobian else (3,))


@every_row
def test_event_shapes_of_tfp(name):
    b = case(name).bijector
    event, latent = b.event_shape, b.latent_shape
    assert isinstance(event, tuple) and isinstance(latent, tuple)
    assert (b.forward_min_event_ndims, b.inverse_min_event_ndims) == (len(latent), len(event))
    for outer in ((), (7,), (2, 3)):
        assert b.forward_event_shape([*outer, *latent]) == (*outer, *event)
        assert b.inverse_event_shape([*outer, *event]) == (*outer, *latent)
        assert tuple(b.forward_event_shape_tensor([*outer, *latent])) == (*outer, *event)
        assert tuple(b.inverse_event_shape_tensor([*outer, *event])) == (*outer, *latent)
    assert b.forward_event_shape([None, *latent]).as_list() == [None, *event]
    assert b.inverse_event_shape(tf.TensorShape(None)) == latent


@every_row
def test_constant_jacobian_is_the_same_for_all_data(name):
    c = case(name)
    if c.bijector.is_constant_jacobian:
        _, first = c.bijector.inverse_and_log_det(c.x(3, seed=5), **c.kwargs(3))
        _, second = c.bijector.inverse_and_log_det(c.x(3, seed=6), **c.kwargs(3, seed=7))
        close(first, second, 0)


@every_row
def test_batch_ranks_agree(name):
    """A batch [2, 2] gives what its four data give in a batch [4], and what one gives alone."""
    c = case(name)
    b, kwargs = c.bijector, c.kwargs(2, 2)
    for pair, values, before, after in (
        (b.inverse_and_log_det, c.x(2, 2), b.event_shape, b.latent_shape),
        (b.forward_and_log_det, c.z(2, 2), b.latent_shape, b.event_shape),
    ):
        grid, grid_log_det = pair(values, **kwargs)
        grid_log_det = tf.broadcast_to(grid_log_det, [2, 2])
        row, row_log_det = pair(tf.reshape(values, [4, *before]), **c.kwargs(4))
        close(tf.reshape(grid, [4, *after]), row)
        close(tf.reshape(grid_log_det, [4]), tf.broadcast_to(row_log_det, [4]))
        one, one_log_det = pair(values[1, 0], **{k: v[1, 0] for k, v in kwargs.items()})
        assert one.shape == after and one_log_det.shape == ()
        close(one, grid[1, 0])
        close(one_log_det, grid_log_det[1, 0])
