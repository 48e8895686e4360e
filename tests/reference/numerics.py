"""Numerical Jacobians by central differences, for the checks of log-determinants."""

import numpy as np


def jacobian(function, point, step=1e-5):
    """[D, D] Jacobian of `function` (a batch to a batch) at one example, both flattened."""
    moves = step * np.eye(point.size).reshape(-1, *point.shape)
    above, below = function(point + moves), function(point - moves)
    columns = (above - below).reshape(point.size, -1) / (2.0 * step)
    return columns.T


def log_abs_det(function, batch):
    """log|det| of the Jacobian of `function` at every example of a batch."""
    return np.array([np.linalg.slogdet(jacobian(function, point))[1] for point in batch])


def check_bijection(encode, decode, x):
    """Round trip, opposite log-dets, and log-dets against the numerical Jacobian."""
    z, log_det = encode(x)
    back, back_log_det = decode(z)
    np.testing.assert_allclose(back, x, atol=1e-10)
    assert log_det.shape == back_log_det.shape == (len(x),)
    np.testing.assert_allclose(back_log_det, -log_det, atol=1e-9)
    np.testing.assert_allclose(log_det, log_abs_det(lambda v: encode(v)[0], x), atol=1e-6)
    np.testing.assert_allclose(back_log_det, log_abs_det(lambda v: decode(v)[0], z), atol=1e-5)
