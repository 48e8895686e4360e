"""Tensors of what a `Flow` is given, and checks of their values."""

import numpy as np
import tensorflow as tf


def tensor(value, name):
    """A tensor of the value's own precision: TensorFlow makes float32 of Python's numbers."""
    try:
        return tf.convert_to_tensor(value if hasattr(value, "dtype") else np.asarray(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"Expected {name} to be a tensor, or to become one. Received: {name}={value!r}"
        ) from error


def check_numbers(value, name):
    """Refuses what is neither integer nor floating."""
    if not (value.dtype.is_integer or value.dtype.is_floating):
        raise TypeError(
            f"Expected integer or floating data. Received: {name}.dtype={value.dtype.name}"
        )


def check_values(values, bins, name):
    """Refuses non-finite floats and integers outside `0 ... bins - 1`."""
    if np.issubdtype(values.dtype, np.integer):
        if bins is not None and values.size and not 0 <= values.min() <= values.max() < bins:
            raise ValueError(
                f"Expected integers from 0 to {bins - 1} in {name}. "
                f"Received: values from {values.min()} to {values.max()}"
            )
        return
    bad = values.size - np.count_nonzero(np.isfinite(np.asarray(values, np.float64)))
    if bad:
        raise ValueError(
            f"Expected finite values in {name}. Received: {bad} of {values.size} not finite"
        )
