"""Argument checks shared by the network layers, all in the project's one form of error."""

import numbers


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
            sizes = {f"{name}[{i}]": size for i, size in enumerate(value)}
            check_positive_integers(**sizes)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Expected a sequence of positive integers {name}. Received: {name}={value!r}"
            ) from error


def check_rate(**values):
    """Raises ValueError unless every keyword's value is a number from 0 to below 1."""
    for name, value in values.items():
        if not isinstance(value, numbers.Real) or not 0 <= value < 1:
            raise ValueError(
                f"Expected {name} to be a number from 0 to below 1. Received: {name}={value!r}"
            )


def check_image_shape(inputs_shape):
    """Raises ValueError unless a shape is [batch, height, width, channels], batch alone unknown."""
    if len(inputs_shape) != 4 or None in tuple(inputs_shape)[1:]:
        raise ValueError(
            "Expected inputs of shape [batch, height, width, channels], known but for the batch. "
            f"Received: inputs_shape={tuple(inputs_shape)!r}"
        )


def check_last_axis(inputs_shape):
    """Raises ValueError unless the shape has a batch axis and a last axis of known size."""
    if len(inputs_shape) < 2 or inputs_shape[-1] is None:
        raise ValueError(
            "Expected inputs of shape [batch, ..., channels] with known channels. "
            f"Received: inputs_shape={tuple(inputs_shape)!r}"
        )
