"""Checks of arrays: of all the data, or of a batch that Python code has made.

They compute with NumPy alone, as processes that make batches may not use TensorFlow.
"""

import keras
import numpy as np
import tensorflow as tf

from tfflows.models import batches, inputs, labels, refusals, values


def check(flow, x, y=None, sample_weight=None, place=refusals.WHOLE):
    """Refuses what is no data of the flow among arrays, and tensors that are known.

    Args:
      flow: A `Flow`, or what has its `event_shape`, `bins` and `classes`.
      x, y, sample_weight: As in `fit`; what is no array passes.
      place: The `Place` of the data.

    Raises:
      DataError, ValueError, TypeError: with the first element that is wrong.
    """
    if x is None:
        return
    x, condition = batches.unpack(x)
    x = _known(x)
    if x is not None:
        _check_x(flow, x, place)
    if flow.classes is not None:
        given = y if condition is None else condition
        if x is not None:
            labels.check_missing(given)
        known = _known(given)
        if known is not None:
            labels.check_array(known, flow.classes, place)
        _check_count("labels", known, x, place)
    else:
        known = _known(condition)
        if known is not None:
            values.check_values(known, None, "condition", place)
        _check_count("condition", known, x, place)
    weights = _known(sample_weight)
    if weights is not None and np.issubdtype(weights.dtype, np.number):
        if weights.ndim != 1:
            expected = "[batch], one for each example"
            raise refusals.bad_shape("sample_weight", expected, weights.shape, place)
        values.check_values(weights, None, "sample_weight", place)
        _check_count("sample_weight", weights, x, place)


def check_batch(flow, batch, place):
    """Refuses what is no data of the flow in a batch as `fit` takes it: x, (x, y) and so on."""
    check(flow, *keras.utils.unpack_x_y_sample_weight(batch), place)


def dtypes(batch):
    """Returns the dtypes of the arrays of a batch by what they are."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
    named = dict(zip(("x", "condition"), batches.unpack(x), strict=True))
    named |= {"y": y, "sample_weight": sample_weight}
    known = {name: _known(value) for name, value in named.items()}
    return {name: value.dtype for name, value in known.items() if value is not None}


def _known(value):
    """The value as an array, or None where it is none, and is not known."""
    if isinstance(value, tf.Tensor) and hasattr(value, "numpy"):  # a graph's has not
        return value.numpy()
    return value if isinstance(value, np.ndarray) else None


def _check_x(flow, x, place):
    if x.shape[:1] == (0,) and not place.batch:  # a later batch may be empty
        raise refusals.no_examples(f"x.shape={x.shape}{place.inside}", place)
    try:
        spec = tf.TensorSpec(x.shape, x.dtype)
    except TypeError as error:  # NumPy has kinds that TensorFlow has not
        raise TypeError(
            f"Expected integer or floating data. Received: x.dtype={x.dtype}"
        ) from error
    inputs.check_kind(flow, spec, place.of)
    inputs.check_shape(spec.shape, flow.event_shape, "x", place, least=1)
    values.check_values(x, flow.bins, "x", place)


def _check_count(name, given, x, place):
    """Refuses a batch with another number of labels or conditions than of examples.

    Keras looks at the numbers of data that are whole.
    """
    if place.batch is None or given is None or x is None:
        return
    if given.shape[:1] != x.shape[:1]:
        expected = f"[{len(x)}, ...], one for each example"
        raise refusals.bad_shape(name, expected, given.shape, place)
