"""Argument checks shared by the network layers, all in the project's one form of error."""

import math
import numbers
import random

import tensorflow as tf


def check_positive_integers(**values):
    """Raises ValueError unless every keyword's value is an integer of at least 1."""
    for name, value in values.items():
        if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(
                f"Expected {name} to be a positive integer. Received: {name}={value!r}"
            )


def check_positive_sequence(**values):
    """Raises ValueError unless every keyword's value is a list or tuple of positive integers."""
    for name, value in values.items():
        try:
            sizes = {f"{name}[{i}]": size for i, size in enumerate(_elements(value))}
            check_positive_integers(**sizes)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Expected a sequence of positive integers {name}. Received: {name}={value!r}"
            ) from error


def check_numbers(**values):
    """Raises ValueError unless every keyword's value is a finite number."""
    for name, value in values.items():
        if not abs(_real(value)) < math.inf:
            raise ValueError(f"Expected {name} to be a finite number. Received: {name}={value!r}")


def check_rate(**values):
    """Raises ValueError unless every keyword's value is a number from 0 to below 1."""
    for name, value in values.items():
        if not 0 <= _real(value) < 1:
            raise ValueError(
                f"Expected {name} to be a number from 0 to below 1. Received: {name}={value!r}"
            )


def check_known(get, **values):
    """Raises ValueError unless Keras' function `get` knows every keyword's value."""
    state = random.getstate()  # an initializer draws a seed, which is not to be another's
    try:
        for name, value in values.items():
            try:
                get(value)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"Expected {name} to be one that Keras knows. Received: {name}={value!r}"
                ) from error
    finally:
        random.setstate(state)


def check_image_shape(inputs_shape):
    """Raises ValueError unless a shape is [batch, height, width, channels], batch alone unknown."""
    dims = _dims(inputs_shape)
    if len(dims) != 4 or not all(_is_size(d) for d in dims[1:]):
        raise ValueError(
            "Expected inputs of shape [batch, height, width, channels], known but for the batch. "
            f"Received: inputs_shape={dims or inputs_shape!r}"
        )


def check_last_axis(inputs_shape):
    """Raises ValueError unless the shape has a batch axis and a last axis of known size."""
    dims = _dims(inputs_shape)
    if len(dims) < 2 or not _is_size(dims[-1]):
        raise ValueError(
            "Expected inputs of shape [batch, ..., channels] with known channels. "
            f"Received: inputs_shape={dims or inputs_shape!r}"
        )


def _elements(value):
    """The value; None for what may be iterated, but holds no sizes in an order."""
    return None if isinstance(value, str | bytes | set | dict) else value


def _real(value):
    """A real number as a float: infinite beyond all floats, NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _dims(shape):
    """A shape as a tuple; empty for what is none."""
    return tuple(shape) if isinstance(shape, list | tuple | tf.TensorShape) else ()


def _is_size(dim):
    return isinstance(dim, numbers.Integral) and not isinstance(dim, bool) and dim > 0
