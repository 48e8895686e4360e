"""Class labels: their checks, and the one-hot form in which networks take them."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import checks


def check_missing(labels):
    """Refuses None where a class-conditional flow needs labels."""
    if labels is None:
        raise ValueError(
            "Expected labels, as the flow is class-conditional: condition=labels, fit(x, labels), "
            'or {"x": x, "condition": labels}. Received: labels=None'
        )


def checked(labels, classes, batch):
    """Returns labels as int64 after the checks that are possible.

    Values are checked where they are known, and by an operation in a graph, which XLA compiles
    away: there a label that is none still becomes NaN, see `one_hot`.

    Args:
      labels: Integers from 0 to `classes - 1`, of the shape `batch`.
      classes: Number of classes.
      batch: Static shape of the batch.
    """
    check_missing(labels)
    labels = checks.tensor(labels, "labels")
    if not labels.dtype.is_integer:
        raise TypeError(f"Expected integer labels. Received: labels.dtype={labels.dtype.name}")
    if not labels.shape.is_compatible_with(batch):
        raise ValueError(
            f"Expected a label for each example, labels of shape {tf.TensorShape(batch)}. "
            f"Received: labels.shape={labels.shape}"
        )
    labels = tf.cast(labels, tf.int64)
    if tf.executing_eagerly():
        check_values(labels.numpy(), classes)
        return labels
    message = f"Expected labels from 0 to {classes - 1}"
    inside = tf.reduce_all((labels >= 0) & (labels < classes))
    with tf.control_dependencies([tf.debugging.Assert(inside, [message])]):
        return tf.identity(labels)


def check_array(labels, classes):
    """Checks a whole array of labels before it becomes a data set; lets other data pass."""
    if not isinstance(labels, np.ndarray):
        return
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"Expected integer labels. Received: labels.dtype={labels.dtype}")
    if labels.ndim != 1:
        raise ValueError(
            "Expected a label for each example, labels of shape [batch]. "
            f"Received: labels.shape={labels.shape}"
        )
    check_values(labels, classes)


def check_values(labels, classes):
    """Refuses labels outside `0 ... classes - 1`."""
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(
            f"Expected labels from 0 to {classes - 1}. "
            f"Received: labels from {labels.min()} to {labels.max()}"
        )


def one_hot(labels, classes, dtype):
    """Returns `[*batch, classes]`, NaN for a label that is none: never the density of no class."""
    known = (labels >= 0) & (labels < classes)
    nan = tf.constant(float("nan"), dtype)
    return tf.where(known[..., None], tf.one_hot(labels, classes, dtype=dtype), nan)
