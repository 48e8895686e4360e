"""2-D densities of known shape, about unit scale and zero mean: the usual first test of a flow."""

import math

import numpy as np


def _two_moons(rng, n):
    """Two interlocking half circles of radius 1, with Gaussian noise of 0.1."""
    upper, angle = rng.integers(2, size=n) == 0, rng.uniform(0.0, math.pi, n)
    x = np.where(upper, np.cos(angle), 1.0 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return np.stack((x, y), axis=-1) + 0.1 * rng.standard_normal((n, 2))


def _rings(rng, n):
    """Four circles of radius 0.5, 1, 1.5 and 2, equally likely, with noise of 0.06 across."""
    radius = 0.5 * (1 + rng.integers(4, size=n)) + 0.06 * rng.standard_normal(n)
    return radius[:, None] * _direction(rng.uniform(0.0, 2 * math.pi, n))


def _checkerboard(rng, n):
    """The 8 dark unit squares of a 4x4 board on [-2, 2)^2, uniform."""
    row, column = rng.integers(4, size=n), rng.integers(2, size=n)
    corner = np.stack((2 * column + row % 2, row), axis=-1) - 2.0
    return corner + rng.uniform(0.0, 1.0, (n, 2))


def _eight_gaussians(rng, n):
    """Eight Gaussians of standard deviation 0.15 on a circle of radius 1.5."""
    centre = 1.5 * _direction(rng.integers(8, size=n) * (math.pi / 4))
    return centre + 0.15 * rng.standard_normal((n, 2))


def _pinwheel(rng, n):
    """Five arms around the origin, each a stretched Gaussian bent by the distance to it."""
    arm, radius = rng.integers(5, size=n), 1.2 + 0.4 * rng.standard_normal(n)
    across = 0.08 * rng.standard_normal(n)
    turn = _direction(arm * (2 * math.pi / 5) + 0.8 * np.exp(radius - 1.2))
    sideways = np.stack((-turn[:, 1], turn[:, 0]), axis=-1)
    return radius[:, None] * turn + across[:, None] * sideways


def _spirals(rng, n):
    """Two arms of 1.5 turns, opposite to each other, out to radius 2, with noise of 0.08."""
    side = 2 * rng.integers(2, size=n) - 1
    # The root spreads the points evenly along the arm, whose length grows with the radius squared.
    part = np.sqrt(rng.uniform(0.0, 1.0, n))
    curve = (2.0 * part * side)[:, None] * _direction(3 * math.pi * part)
    return curve + 0.08 * rng.standard_normal((n, 2))


def _direction(angle):
    return np.stack((np.cos(angle), np.sin(angle)), axis=-1)


_SAMPLERS = {
    "two_moons": _two_moons,
    "rings": _rings,
    "checkerboard": _checkerboard,
    "eight_gaussians": _eight_gaussians,
    "pinwheel": _pinwheel,
    "spirals": _spirals,
}

DENSITIES = tuple(_SAMPLERS)
_MOST_POINTS = 2**31 - 1  # whose places a 32-bit integer tells


def sample(name, num_points, seed=0):
    """Draws points from a 2-D density, the same ones for the same seed.

    Args:
      name: one of `DENSITIES`.
      num_points: number of points, at least 1.
      seed: nonnegative int, or a sequence of them, of NumPy's generator.

    Returns:
      Float32 array of shape (num_points, 2), independent draws in random order.

    Raises:
      ValueError: `name` is unknown, `num_points` is not a positive int of 32 bits, or `seed` is no
        seed.
    """
    if not isinstance(name, str) or name not in _SAMPLERS:
        raise ValueError(
            f"Expected name to be one of {', '.join(DENSITIES)}. Received: name={name!r}"
        )
    if isinstance(num_points, bool) or not isinstance(num_points, int) or num_points < 1:
        raise ValueError(
            f"Expected num_points to be a positive int. Received: num_points={num_points!r}"
        )
    if num_points > _MOST_POINTS:
        raise ValueError(
            f"Expected num_points of at most {_MOST_POINTS}. Received: num_points={num_points!r}"
        )
    return _SAMPLERS[name](_generator(seed), num_points).astype(np.float32)


def _generator(seed):
    try:
        return np.random.default_rng("bool" if isinstance(seed, bool) else seed)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected seed to be a nonnegative int, or some. Received: seed={seed!r}"
        ) from error
