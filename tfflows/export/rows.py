"""Functions of batches whose rows a server may merge, pad, split and leave out."""

import dataclasses
import math

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Rows:
    """An input of a signature, `[B, *shape]`.

    Attributes:
      dtype: its dtype.
      shape: shape of a row, a tuple.
      low, high: smallest and largest number that a row may have; a float must be finite anyway.
    """

    dtype: tf.DType
    shape: tuple
    low: float = -math.inf
    high: float = math.inf

    def spec(self, name):
        """Returns the input's `tf.TensorSpec`."""
        return tf.TensorSpec([None, *self.shape], self.dtype, name)

    def checked(self, value):
        """Returns the value with zeros in place of rows that are not allowed, and which are."""
        inside = tf.ones_like(value, tf.bool)
        if self.dtype.is_floating:
            inside &= tf.math.is_finite(value)
        if self.low > -math.inf:
            inside &= (value >= self.low) & (value <= self.high)
        allowed = tf.reduce_all(inside, axis=list(range(1, value.shape.rank)))
        keep = tf.reshape(allowed, [-1] + [1] * len(self.shape))
        return tf.where(keep, value, tf.zeros_like(value)), allowed


def traced(function, inputs, max_batch_size=None):
    """Returns a concrete function that answers each row as if it stood alone.

    A row with a number out of its input's range gets NaN in every output: an error would be one for
    all whose requests a server has merged with it. No rows get no rows. What no server lets through
    is an error that names the input: a wrong shape, unequal numbers of rows, too many of them.

    Args:
      function: From tensors by name to tensors by name, row by row; it is never given none.
      inputs: `Rows` by name.
      max_batch_size: Most rows; None for any number.
    """
    specs = {name: rows.spec(name) for name, rows in inputs.items()}

    @tf.function(autograph=False)
    def answer(**values):
        # A Session does not compare what it is fed with the signature's shapes.
        values = {n: tf.ensure_shape(values[n], spec.shape, name=n) for n, spec in specs.items()}
        count = tf.shape(next(iter(values.values())))[0]
        with tf.control_dependencies(_limits(values, count, max_batch_size)):
            values = {name: _never_empty(value, count) for name, value in values.items()}
        checked = {name: rows.checked(values[name]) for name, rows in inputs.items()}
        outputs = function(**{name: value for name, (value, _) in checked.items()})
        allowed = tf.reduce_all(tf.stack([allowed for _, allowed in checked.values()]), axis=0)
        return {name: _spoiled(value, allowed)[:count] for name, value in outputs.items()}

    return answer.get_concrete_function(**specs)


def _limits(values, count, max_batch_size):
    names = list(values)
    checks = [
        tf.debugging.Assert(
            tf.equal(tf.shape(values[name])[0], count),
            [
                f"Expected as many rows in {name} as in {names[0]}. Received:",
                tf.shape(values[name]),
            ],
        )
        for name in names[1:]
    ]
    if max_batch_size is not None:
        message = f"Expected at most {max_batch_size} rows in {names[0]}. Received:"
        checks.append(tf.debugging.Assert(count <= max_batch_size, [message, count]))
    return checks


def _never_empty(value, count):
    """A row of zeros for none, which convolutions refuse."""
    missing = tf.maximum(0, 1 - count)
    row = tf.zeros(tf.concat([[missing], value.shape[1:]], axis=0), value.dtype)
    whole = tf.concat([value, row], axis=0)
    return tf.ensure_shape(whole, [None, *value.shape[1:]])


def _spoiled(value, allowed):
    value = tf.cast(value, tf.float32)  # of any precision: JSON has no halves
    keep = tf.reshape(allowed, [-1] + [1] * (value.shape.rank - 1))
    return tf.where(keep, value, tf.constant(float("nan")))
