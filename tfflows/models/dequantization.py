"""Dequantization of integer data: uniform noise that depends on the datum and a seed alone."""

import math

import tensorflow as tf

_MASK = 0xFFFFFFFF  # 32-bit arithmetic in int64, which every device and converter has


def dequantize(x, event_ndims, seed, dtype, bins=256):
    """Adds noise uniform on (0, 1) to integers.

    The noise of an element is a hash of the whole datum, the element's place and the seed. So it
    does not depend on the rest of the batch, on the replica or on earlier calls: an evaluation
    repeats exactly, however its data is batched. It has 15 bits up to 256 bins, and above that as
    many fewer that a sum is exact in float32: no value is rounded into the next cell.

    Args:
      x: Integer tensor `[*batch, *event]`.
      event_ndims: Rank of an event.
      seed: Integer scalar, Python or tensor; another seed gives other noise.
      dtype: Floating dtype of the result.
      bins: Number of integer values of an element.

    Returns:
      Tensor of the shape of `x`.
    """
    bits = max(1, min(15, 23 - math.ceil(math.log2(bins))))
    return tf.cast(tf.cast(x, tf.int64), dtype) + noise(x, event_ndims, seed, dtype, bits)


def noise(x, event_ndims, seed, dtype, bits):
    """Returns the noise of `dequantize` alone, `(n + 1/2) / 2**bits` with integers n.

    Up to 23 bits these numbers are exact in float32.
    """
    integers = tf.cast(x, tf.int64)
    event = x.shape[x.shape.rank - event_ndims :].as_list()
    places = tf.reshape(tf.range(1, math.prod(event) + 1, dtype=tf.int64), event)
    salted = _mix(places * 0x9E3779B1 + _mix(tf.cast(seed, tf.int64) + 0x2545F491))
    axes = list(range(-event_ndims, 0))
    key = _mix(tf.reduce_sum((integers + 1) * salted, axes, keepdims=True))
    numbers = tf.bitwise.right_shift(_mix(key + salted), 32 - bits)
    return (tf.cast(numbers, dtype) + 0.5) / 2.0**bits


def _mix(value):
    """Scrambles the low 32 bits (the finalizer of MurmurHash3, public domain)."""
    value = value & _MASK
    value = ((value ^ tf.bitwise.right_shift(value, 16)) * 0x85EBCA6B) & _MASK
    value = ((value ^ tf.bitwise.right_shift(value, 13)) * 0xC2B2AE35) & _MASK
    return value ^ tf.bitwise.right_shift(value, 16)
