"""What `Flow.sample` is asked for: checks, and temperatures of the parts of a latent."""

import math
import numbers

import numpy as np

from tfflows.bijectors import checks


def check_sampling(n, temperature, seed, shapes):
    """Returns the arguments of `Flow.sample` if they are in range, the temperature as a tuple.

    Args:
      n, temperature, seed: Those of `Flow.sample`.
      shapes: Shapes of the parts of a latent, or None for a flow without one.
    """
    if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 1:
        raise ValueError(f"Expected n to be an int of at least 1. Received: n={n!r}")
    if n >= 2**31:
        raise ValueError(f"Expected n to be an int of 32 bits. Received: n={n!r}")
    if seed is not None and (
        isinstance(seed, bool)
        or not isinstance(seed, numbers.Integral)
        or not -(2**31) <= seed < 2**31
    ):
        raise ValueError(f"Expected seed to be an int of 32 bits, or None. Received: seed={seed!r}")
    return int(n), _temperatures(temperature, shapes), seed


def tempered(z, mean, temperatures, shapes):
    """Returns latents with the deviations of each part from the mean times its temperature.

    Args:
      z: Latents, vectors if there are several parts.
      mean: Their mean, which broadcasts to them.
      temperatures: Tuple of one number for all, or of one for each part.
      shapes: Shapes of the parts, in their order in z.
    """
    if set(temperatures) == {1.0}:
        return z
    sizes = [math.prod(shape) for shape in shapes] if len(temperatures) > 1 else 1
    factors = np.repeat(temperatures, sizes).astype(z.dtype.as_numpy_dtype)
    return mean + factors * (z - mean)


def _temperatures(temperature, shapes):
    several = isinstance(temperature, list | tuple) or np.ndim(temperature) == 1
    numbers_given = tuple(temperature) if several else (_item(temperature),)
    for value in numbers_given:
        if not 0 <= checks.real(value) < math.inf:
            raise ValueError(
                "Expected temperature to be a finite number, or one for each latent shape, of at "
                f"least 0. Received: temperature={temperature!r}"
            )
    if several and shapes is not None and len(numbers_given) != len(shapes):
        raise ValueError(
            f"Expected temperature to be a number, or {len(shapes)} of them, one for each of "
            f"latent_shapes={shapes}. Received: temperature={temperature!r}"
        )
    return tuple(map(float, numbers_given))


def _item(value):
    """The number of an array without axes; anything else as it is."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
