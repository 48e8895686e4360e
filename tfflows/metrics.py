"""Bits per dimension, written once."""

import math
import numbers

import keras
import tensorflow as tf


def bits_per_dim(log_prob, event_shape):
    """Returns bits per dimension: `-log_prob / (D ln 2)`, D the number of elements of an event.

    On the pixel scale `[0, bins)` of a model of integer images, where a cell has volume 1, this is
    the bound on the code length that the papers report; a uniform density over 256 values reads 8.

    Args:
      log_prob: Log-density in nats, any shape.
      event_shape: Shape of one event.

    Returns:
      Float tensor of the shape of `log_prob`.

    Raises:
      ValueError: if `event_shape` is not a known shape.
    """
    return -log_prob / (math.prod(_checked(event_shape)) * math.log(2.0))


def _checked(event_shape):
    """Returns a shape of positive ints as a tuple."""
    dims = tuple(event_shape) if isinstance(event_shape, list | tuple | tf.TensorShape) else (0,)
    if not all(isinstance(d, numbers.Integral) and d > 0 for d in dims):
        raise ValueError(
            "Expected event_shape to be a sequence of positive ints. "
            f"Received: event_shape={event_shape!r}"
        )
    return dims


@keras.saving.register_keras_serializable("tfflows")
class BitsPerDim(keras.metrics.Mean):
    """The mean of `bits_per_dim` over examples, given their log-densities in nats.

    Args:
      event_shape: Shape of one event.
      name: Name of the metric.
    """

    def __init__(self, event_shape, name="bits_per_dim", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.event_shape = _checked(event_shape)

    def update_state(self, log_prob, sample_weight=None):
        """Adds a batch of log-densities, `[batch]`."""
        bits = bits_per_dim(tf.convert_to_tensor(log_prob), self.event_shape)
        super().update_state(bits, sample_weight=sample_weight)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"event_shape": self.event_shape, "name": self.name, "dtype": self.dtype}
