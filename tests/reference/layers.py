"""Element-wise and linear layers of NICE, RealNVP and Glow.

Values are vectors [B, D] or images [B, H, W, C].

ActNorm and the 1x1 convolution follow arXiv 1807.03039, batch normalization arXiv 1605.08803,
the diagonal scale arXiv 1410.8516.
"""

import math

import numpy as np

from .distributions import per_example


def _same_for_all(batch, log_det):
    return np.full(len(batch), float(log_det))


def _positions(values):
    """Number of pixels of an example: 1 for a vector."""
    return math.prod(values.shape[1:-1])


def _moments(values):
    """Mean and biased variance over all axes but the last, from the definition."""
    rows = np.array([row for row in values.reshape(-1, values.shape[-1])])
    mean = rows.sum(axis=0) / len(rows)
    return mean, ((rows - mean) ** 2).sum(axis=0) / len(rows)


# ActNorm


def act_norm_initialize(x, factor=3.0):
    """(shift, log_scale) that give each channel of `x` mean 0 and variance 1."""
    mean, variance = _moments(x)
    return -mean, np.log(1.0 / (np.sqrt(variance) + 1e-6)) / factor


def act_norm_encode(x, shift, log_scale, factor=3.0):
    """z = (x + shift) * exp(factor * log_scale), a shift and a log-scale for each channel."""
    log_det = _positions(x) * np.sum(factor * log_scale)
    return (x + shift) * np.exp(factor * log_scale), _same_for_all(x, log_det)


def act_norm_decode(z, shift, log_scale, factor=3.0):
    """x = z / exp(factor * log_scale) - shift."""
    log_det = _positions(z) * np.sum(factor * log_scale)
    return z / np.exp(factor * log_scale) - shift, _same_for_all(z, -log_det)


# Batch normalization as a layer of the flow


def batch_moments(x, changed=1.0):
    """Mean and variance for each channel of x * changed: the zeros of the mask count."""
    return _moments(x * changed)


def moved_average(old, batch, rate=0.1):
    """The moving average after one training step."""
    return old + rate * (batch - old)


def batch_norm_encode(x, mean, variance, changed=1.0, epsilon=1e-4):
    """z = (x - mean) / sqrt(variance + epsilon) where `changed` is 1, z = x where it is 0.

    `mean`, `variance`: one number for each channel: the moving averages, or in training those
    of `batch_moments(x, changed)`. `changed` is broadcast to `x`.
    """
    changed = np.broadcast_to(changed, x.shape) == 1
    z = np.where(changed, (x - mean) / np.sqrt(variance + epsilon), x)
    return z, per_example(np.where(changed, -0.5 * np.log(variance + epsilon), 0.0))


def batch_norm_decode(z, mean, variance, changed=1.0, epsilon=1e-4):
    """x = z * sqrt(variance + epsilon) + mean where `changed` is 1."""
    changed = np.broadcast_to(changed, z.shape) == 1
    x = np.where(changed, z * np.sqrt(variance + epsilon) + mean, z)
    return x, per_example(np.where(changed, 0.5 * np.log(variance + epsilon), 0.0))


# Invertible 1x1 convolution


def plu_matrix(permutation, lower, upper, sign, log_s):
    """W = P L (U + diag(sign * exp(log_s))).

    Args:
        permutation: the matrix P, [C, C].
        lower: [C, C], read below the diagonal only; L has ones on the diagonal.
        upper: [C, C], read above the diagonal only.
        sign, log_s: [C].
    """
    size = len(log_s)
    unit_lower, full_upper = np.zeros((size, size)), np.zeros((size, size))
    for i in range(size):
        unit_lower[i, i] = 1.0
        full_upper[i, i] = sign[i] * math.exp(log_s[i])
        for j in range(i):
            unit_lower[i, j] = lower[i, j]
            full_upper[j, i] = upper[j, i]
    return np.asarray(permutation) @ unit_lower @ full_upper


def conv1x1_encode(x, matrix):
    """z[..., i] = sum_j matrix[i, j] x[..., j]."""
    z = np.zeros(x.shape)
    for i, row in enumerate(np.asarray(matrix)):
        z[..., i] = sum(weight * x[..., j] for j, weight in enumerate(row))
    return z, _same_for_all(x, _positions(x) * np.linalg.slogdet(matrix)[1])


def conv1x1_decode(z, matrix):
    """Solves z = W x at every position."""
    x, _ = conv1x1_encode(z, np.linalg.solve(matrix, np.eye(len(matrix))))
    return x, _same_for_all(z, -_positions(z) * np.linalg.slogdet(matrix)[1])


# Permutations and scales


def permutation_order(name, size):
    """Indices of "reverse", or of "even_odd" (NICE's tile order: even indices, then odd ones)."""
    if name == "reverse":
        return [size - 1 - i for i in range(size)]
    if name == "even_odd":
        return [i for i in range(size) if i % 2 == 0] + [i for i in range(size) if i % 2 == 1]
    raise ValueError(f"Expected 'reverse' or 'even_odd'. Received: name={name!r}")


def permute_encode(x, order):
    """z[..., i] = x[..., order[i]]."""
    return np.stack([x[..., j] for j in order], axis=-1), _same_for_all(x, 0.0)


def permute_decode(z, order):
    """x[..., order[i]] = z[..., i]."""
    x = np.zeros(z.shape)
    for i, j in enumerate(order):
        x[..., j] = z[..., i]
    return x, _same_for_all(z, 0.0)


def diagonal_scale_encode(x, log_scale):
    """z = x * exp(log_scale), a log-scale for each element of the event."""
    return x * np.exp(log_scale), _same_for_all(x, np.sum(log_scale))


def diagonal_scale_decode(z, log_scale):
    """x = z / exp(log_scale)."""
    return z / np.exp(log_scale), _same_for_all(z, -np.sum(log_scale))


def rescale_encode(x, scale=1.0, shift=0.0):
    """z = scale * x + shift; the numbers may also be arrays that broadcast to an example."""
    z = scale * x + shift
    return z, per_example(np.log(np.abs(scale)) + np.zeros_like(z))


def rescale_decode(z, scale=1.0, shift=0.0):
    """x = (z - shift) / scale."""
    x = (z - shift) / scale
    return x, per_example(-np.log(np.abs(scale)) + np.zeros_like(x))


def logit_encode(x, alpha=0.05):
    """z = log(p / (1 - p)) with p = alpha + (1 - 2 alpha) x, as in the code of RealNVP."""
    p = alpha + (1.0 - 2.0 * alpha) * x
    slope = (1.0 - 2.0 * alpha) / (p * (1.0 - p))
    return np.log(p / (1.0 - p)), per_example(np.log(slope))


def logit_decode(z, alpha=0.05):
    """x = (1 / (1 + exp(-z)) - alpha) / (1 - 2 alpha)."""
    p = 1.0 / (1.0 + np.exp(-z))
    slope = p * (1.0 - p) / (1.0 - 2.0 * alpha)
    return (p - alpha) / (1.0 - 2.0 * alpha), per_example(np.log(slope))
