"""Checks of arguments, all in Python and all in one form of message."""

import math
import numbers

import numpy as np
import tensorflow as tf

_DTYPES = (str, type, np.dtype, tf.DType)
# Those that TensorFlow computes with; it has others, of 8 bits and fewer, to store.
_FLOATING = (tf.float16, tf.bfloat16, tf.float32, tf.float64)
_MOST_ELEMENTS = 2**31 - 1  # whose places a 32-bit integer tells


def shape(value, name):
    """Returns a fully known shape as a tuple of positive ints."""
    try:
        dims = tuple(tf.TensorShape(None if _is_mistaken(value) else value).as_list())
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected {name} to be a shape. Received: {name}={value!r}") from error
    if not dims or any(d is None or d < 1 for d in dims):
        raise ValueError(
            f"Expected {name} to have at least one dimension, all known and positive. "
            f"Received: {name}={value!r}"
        )
    if math.prod(dims) > _MOST_ELEMENTS:
        raise ValueError(
            f"Expected {name} of at most {_MOST_ELEMENTS} elements. Received: {name}={value!r}"
        )
    return dims


def _is_mistaken(value):
    """Whether it is no shape, though TensorFlow takes it for one."""
    parts = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(part, bool | bytes | dict) for part in parts)


def image_shape(value, name="event_shape"):
    """Returns the shape `(height, width, channels)` of an image as a tuple."""
    dims = shape(value, name)
    if len(dims) != 3:
        raise ValueError(
            f"Expected {name} to be (height, width, channels). Received: {name}={value!r}"
        )
    return dims


def floating(dtype):
    """Returns a floating `tf.DType`, or None for None."""
    if dtype is None:
        return None
    try:  # TensorFlow has a dtype for some numbers, too, and takes that of an array
        known = tf.as_dtype(dtype) if isinstance(dtype, _DTYPES) else None
    except TypeError as error:
        raise TypeError(f"Expected a floating dtype. Received: dtype={dtype!r}") from error
    if known not in _FLOATING:
        received = repr(dtype) if known is None else known.name
        raise TypeError(f"Expected a floating dtype. Received: dtype={received}")
    return known


def variable_dtype(dtype):
    """Returns the floating `tf.DType` of variables, which must have one."""
    if dtype is None:
        raise TypeError("Expected a floating dtype. Received: dtype=None")
    return floating(dtype)


def tensor(value, name, dtype_hint=None):
    """Returns a value as a tensor."""
    try:
        return tf.convert_to_tensor(value, dtype_hint=dtype_hint)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"Expected {name} to be a tensor, or to become one. Received: {name}={value!r}"
        ) from error


def sequence(value, name):
    """Returns the elements of an iterable, but of no text, as a list."""
    try:
        return list(None if isinstance(value, str | bytes) else value)
    except TypeError as error:
        raise TypeError(f"Expected {name} to be a sequence. Received: {name}={value!r}") from error


def with_data(x):
    """Refuses a batch of no data, which has no moments."""
    if 0 in x.shape.as_list():
        raise ValueError(f"Expected a batch with data. Received: x.shape={x.shape}")


def one_dtype(bijectors, name):
    """Returns the dtype of all bijectors that have one, None if none has."""
    dtypes = {bijector.dtype for bijector in bijectors} - {None}
    if len(dtypes) > 1:
        names = sorted(dtype.name for dtype in dtypes)
        raise ValueError(f"Expected {name} of one dtype. Received: dtypes={names}")
    return next(iter(dtypes), None)


def integer(value, name, minimum=1):
    """Returns an int that is at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < minimum:
        raise ValueError(
            f"Expected {name} to be an int of at least {minimum}. Received: {name}={value!r}"
        )
    return int(value)


def number(value, name, low=-math.inf, high=math.inf):
    """Returns a finite float strictly between `low` and `high`."""
    if not low < real(value) < high:
        raise ValueError(
            f"Expected {name} to be a number between {low} and {high}. Received: {name}={value!r}"
        )
    return float(value)


def real(value):
    """Returns a real number as a float: infinite beyond all floats, NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value > 0 or -1)


def choice(value, name, choices):
    """Returns `value` if it is one of `choices`, which are strings."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"Expected {name} to be one of {sorted(choices)}. Received: {name}={value!r}"
        )
    return value


def event(value, dims, name):
    """Returns a tensor whose last dimensions are `dims`."""
    rank = value.shape.rank
    if (
        rank is None
        or rank < len(dims)
        or not value.shape[rank - len(dims) :].is_compatible_with(dims)
    ):
        raise ValueError(
            f"Expected {name} of shape [*batch, {', '.join(map(str, dims))}]. "
            f"Received: {name}.shape={value.shape}"
        )
    return value


def static_event_shape(received, before, after):
    """The event shape behind a map from events of shape `before` to events of shape `after`."""
    if received.rank is None:
        return tf.TensorShape(after)
    if received.rank < len(before) or not received[
        received.rank - len(before) :
    ].is_compatible_with(before):
        raise ValueError(f"Expected an event of shape {before}. Received: shape={received}")
    return received[: received.rank - len(before)].concatenate(after)
