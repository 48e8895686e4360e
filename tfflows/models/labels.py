"""Class labels: their checks, and the one-hot form in which networks take them."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import checks
from tfflows.models import refusals, values


def check_missing(labels):
    """Refuses None where a class-conditional flow needs labels."""
    if labels is None:
        raise ValueError(
            "Expected labels, as the flow is class-conditional: condition=labels, fit(x, labels), "
            'or {"x": x, "condition": labels}. Received: labels=None'
        )


def in_graph(labels, batch):
    """Returns labels as a tensor after the checks that a graph allows: dtype and shape."""
    check_missing(labels)
    labels = checks.tensor(labels, "labels")
    if not labels.dtype.is_integer:
        raise TypeError(f"Expected integer labels. Received: labels.dtype={labels.dtype.name}")
    if not labels.shape.is_compatible_with(batch):
        raise ValueError(
            f"Expected a label for each example, labels of shape {tf.TensorShape(batch)}. "
            f"Received: labels.shape={labels.shape}"
        )
    return labels


def checked(labels, classes, batch):
    """Returns labels as int64 after the checks that are possible.

    Values are checked where they are known, and by an operation in a graph, which XLA compiles
    away: there a label that is none still becomes NaN, see `one_hot`.

    Args:
      labels: Integers from 0 to `classes - 1`, of the shape `batch`.
      classes: Number of classes.
      batch: Static shape of the batch.
    """
    labels = tf.cast(in_graph(labels, batch), tf.int64)
    if tf.executing_eagerly():
        values.check_values(labels.numpy(), classes, "labels")
        return labels
    message = f"Expected labels from 0 to {classes - 1}"
    inside = tf.reduce_all((labels >= 0) & (labels < classes))
    with tf.control_dependencies([tf.debugging.Assert(inside, [message])]):
        return tf.identity(labels)


def check_array(labels, classes, place=refusals.WHOLE):
    """Checks an array of labels before it becomes a data set, or part of one."""
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(
            f"Expected integer labels{place.of}. "
            f"Received: labels.dtype={labels.dtype}{place.inside}"
        )
    if labels.ndim != 1:
        raise refusals.DataError(
            f"Expected a label for each example{place.of}, labels of shape [batch]. "
            f"Received: labels.shape={labels.shape}{place.inside}"
        )
    values.check_values(labels, classes, "labels", place)


def one_hot(labels, classes, dtype):
    """Returns `[*batch, classes]`, NaN for a label that is none: never the density of no class."""
    known = (labels >= 0) & (labels < classes)
    nan = tf.constant(float("nan"), dtype)
    return tf.where(known[..., None], tf.one_hot(labels, classes, dtype=dtype), nan)
