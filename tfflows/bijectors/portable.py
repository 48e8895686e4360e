"""Graphs for converters, which lack inverses, factorizations and random operations."""

import threading

import tensorflow as tf

_local = threading.local()


class portable:
    """Context in which matrices are traced as constants of their present values.

    A graph that is traced in it has no operation that other runtimes lack, nor calls of shared
    functions; what is trained later does not reach its matrices.
    """

    def __enter__(self):
        self._before = is_active()
        _local.active = True

    def __exit__(self, *_):
        _local.active = self._before


def is_active():
    """Whether a graph is being traced for converters."""
    return getattr(_local, "active", False)


def fixed(function, dtype):
    """Returns `function()`, tensors of variables alone, in a dtype; in the context as constants."""
    if not is_active():
        return tf.nest.map_structure(lambda t: tf.cast(t, dtype), function())
    with tf.init_scope():
        values = tf.nest.map_structure(lambda t: tf.cast(t, dtype).numpy(), function())
    return tf.nest.map_structure(lambda value: tf.constant(value, dtype), values)
