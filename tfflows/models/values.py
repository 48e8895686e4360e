"""Tensors of what a `Flow` is given, and checks of their values."""

import numpy as np
import tensorflow as tf

from tfflows.models import refusals


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


def check_values(values, limit, name, place=refusals.WHOLE):
    """Refuses non-finite floats and integers outside `0 ... limit - 1`; None is no limit.

    Raises:
      DataError: names the first one.
    """
    if np.issubdtype(values.dtype, np.integer):
        if limit is None or not values.size or 0 <= values.min() <= values.max() < limit:
            return
        bad = (values < 0) | (values >= limit)
        what = "labels" if name == "labels" else "values"
        summary = f"{what} from {values.min()} to {values.max()}"
    else:
        limit, bad = None, ~np.isfinite(np.asarray(values, np.float64))
        if not bad.any():
            return
        summary = f"{np.count_nonzero(bad)} of {bad.size} not finite"
    index = np.unravel_index(np.argmax(bad), bad.shape)
    raise refusals.bad_value(name, limit, index, values[index], place, summary)
