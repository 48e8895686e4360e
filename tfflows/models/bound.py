"""The importance-weighted bound: the mean of density ratios over several draws, as its log."""

import math

import tensorflow as tf


def importance_bound(log_weight, samples, like):
    """Returns `log((1/k) sum_j exp(log_weight(j)))`, j = 0 ... k - 1.

    The draws are evaluated one after the other, and of those before only the largest log-weight is
    kept and the sum relative to it: neither memory nor the graph grows with k. A log-weight of
    minus infinity counts as a weight of 0.

    Args:
      log_weight: Function of a seed, an int64 scalar, that returns log-weights.
      samples: k, an integer of at least 1, Python or tensor.
      like: Tensor of the shape and dtype of the log-weights.

    Returns:
      Tensor of that shape.

    References: Burda et al., "Importance weighted autoencoders" (arXiv:1509.00519).
    """
    count = tf.cast(samples, tf.int64)

    def step(seed, peak, total):
        value = tf.ensure_shape(log_weight(seed), like.shape)
        higher = tf.maximum(peak, value)
        shift = _finite(higher)
        return seed + 1, higher, total * tf.exp(peak - shift) + tf.exp(value - shift)

    start = tf.constant(0, tf.int64), tf.zeros_like(like) - math.inf, tf.zeros_like(like)
    _, peak, total = tf.while_loop(
        lambda seed, *_: seed < count, step, start, parallel_iterations=1
    )
    return _finite(peak) + tf.math.log(total) - tf.math.log(tf.cast(count, like.dtype))


def _finite(peak):
    """The peak, or 0 where it is infinite and cannot be subtracted."""
    return tf.where(tf.math.is_finite(peak), peak, tf.zeros_like(peak))
