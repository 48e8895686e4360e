"""Values of arguments, right and wrong. A `Kind` says of any value whether it is right."""

import fractions
import math
import numbers
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st


class Kind(NamedTuple):
    """An argument of some kind.

    Attributes:
      right: Strategy of values that are right wherever the others are.
      is_right: Whether a value is, or may be, right; of the others all must be refused.
      wrong: Strategy of values close to right ones.
    """

    right: st.SearchStrategy
    is_right: Callable
    wrong: st.SearchStrategy = st.nothing()


class Odd:
    """What no argument is; always printed alike."""

    def __repr__(self):
        return "<odd>"


ODD = Odd()
LARGE = 10**400  # more than a float holds
LARGEST = np.finfo(np.float64).max.item()
FLOATS = ("float16", "bfloat16", "float32", "float64")
_FLOATING = {*FLOATS, *map(tf.as_dtype, FLOATS), float, np.float16, np.float32, np.float64}
_NUMBERS = [0, -1, 1, 2, 3, 2**31, 2**63, LARGE, -LARGE, 0.0, -0.5, 1.5, 2.0, 1e300, 1e-300]
_SPECIAL = [math.nan, math.inf, -math.inf, True, False, 1j, fractions.Fraction(1, 3)]
_NUMPY = [np.int64(2), np.int8(-1), np.float32(0.5), np.float64(math.nan), np.bool_(True)]
_ARRAYS = [np.array(2), np.array([2, 2]), np.zeros((0,)), np.array(["a"]), np.array([[1.5]])]
_OTHERS = [None, ODD, len, int, "", "a", "2", b"2", "auto", "variational", "float32", "é\n"]
_NESTED = [(), [], {}, set(), [2], (2, 2), [[2]], [1, [2]], ["a"], [None], {"a": 1}, (1.5, True)]

# Values of all kinds; for any argument most of them are wrong.
ANYTHING = st.one_of(
    *map(st.sampled_from, (_NUMBERS, _SPECIAL, _NUMPY, _ARRAYS, _OTHERS, _NESTED)),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text("aé .", max_size=3),
    st.lists(st.integers(-2, 3) | st.none() | st.floats(-1, 1), max_size=4),
)


def wrong(kind):
    """Values that are wrong for a kind."""
    values = kind.wrong if kind.is_right(ODD) else ANYTHING | kind.wrong
    return values.filter(lambda value: not kind.is_right(value))


def can_be_wrong(kind):
    return not (kind.is_right(ODD) and kind.wrong.is_empty)


def is_integer(value, low=1, high=math.inf):
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and low <= value <= high


def is_number(value, low=-math.inf, high=math.inf):
    """Whether it is a finite number from low to high."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    value = value.item() if isinstance(value, np.generic) else value  # NumPy's would overflow
    return -LARGEST <= value <= LARGEST and low <= value <= high


def is_sequence(value, length, is_right):
    """Whether it is a list or tuple of so many elements that are right."""
    return isinstance(value, list | tuple) and len(value) == length and all(map(is_right, value))


def integer(low=1, most=4, *, numpy=True, cap=math.inf):
    """An int of at least `low`; right ones go up to `most`, and none above `cap` is."""
    plain = st.integers(low, most)
    right = plain | plain.map(np.int64) | plain.map(np.uint64) if numpy else plain
    beside = st.sampled_from([low - 1, low + 0.5, float(low), str(low)])
    above = st.nothing() if cap == math.inf else st.sampled_from([cap + 1, 2 * cap])
    return Kind(right, lambda value: is_integer(value, low, cap), beside | above)


def number(low=-math.inf, high=math.inf, *, right=None, ends=False, without=()):
    """A finite number between `low` and `high`, with the ends or not, but for those `without`.

    Right ones are drawn from the whole range, or from a narrower one, `right`.
    """
    least, most = right or (low, high)
    drawn = st.floats(least, most, width=32, exclude_min=not ends, exclude_max=not ends)
    drawn = drawn.map(float).filter(lambda value: value not in without)
    excluded = (*without, *(() if ends else (low, high)))

    def is_right(value):
        return is_number(value, low, high) and value not in excluded

    return Kind(drawn, is_right, st.sampled_from([low - 1, high + 1, *excluded, str(most)]))


def optional(kind):
    """The same, or None."""

    def is_right(value):
        return value is None or kind.is_right(value)

    return Kind(st.none() | kind.right, is_right, kind.wrong)


def choice(*names):
    """One of some names."""

    def is_right(value):
        return isinstance(value, str) and value in names

    beside = st.sampled_from([name.upper() for name in names] + [[names[0]], names[0] + " "])
    return Kind(st.sampled_from(names), is_right, beside)


def flag():
    """A bool. What is none is taken by its truth, so that nothing is wrong."""
    return Kind(st.booleans(), lambda value: True)


def fixed(value):
    """An argument that is not varied."""
    return Kind(st.just(value), lambda _: True)


def dtype(*names):
    """A floating dtype, of which right ones are of these names."""
    right = st.sampled_from(names) | st.sampled_from(names).map(tf.as_dtype)
    beside = st.sampled_from(["int32", tf.int64, "half-float", "float8_e5m2", np.int32, "string"])

    def is_right(value):
        return value is not None and isinstance(value, str | type | tf.DType) and value in _FLOATING

    return Kind(right, is_right, beside)


def shape(right, ranks=(1, 2, 3, 4), fits=lambda dims: True):
    """An event shape, of which `fits` tells whether its dims would do."""

    def is_right(value):
        known = isinstance(value, tuple | list | np.ndarray | tf.TensorShape)
        dims = list(np.ravel(np.asarray(value, object))) if known else [value]
        whole = bool(dims) and all(is_integer(d) for d in dims)
        # An int is TensorFlow's short form of a vector's shape.
        return whole and len(dims) in ranks and math.prod(dims) < 2**31 and fits(dims)

    beside = WRONG_SHAPES | shapes(*range(5))
    return Kind(right | right.map(list) | right.map(tf.TensorShape), is_right, beside)


def image(divisible=1, *, channels=3, most=2):
    """The shape of an image with sides divisible by a number."""
    sides = st.integers(1, most).map(lambda n: n * divisible)
    right = st.tuples(sides, sides, st.integers(1, channels))
    return shape(right, (3,), lambda dims: not any(d % divisible for d in dims[:2]))


def shapes(*ranks, most=4):
    """Shapes of small events of these ranks, as tuples."""
    return st.one_of(*[st.tuples(*[st.integers(1, most)] * rank) for rank in ranks])


_DIMS = st.sampled_from([0, -1, None, 1.5, "2", True, 2**40, (2,), math.nan])
WRONG_SHAPES = st.builds(
    lambda dims, bad, at: (*dims[:at], bad, *dims[at:]),
    st.lists(st.integers(1, 4), max_size=3).map(tuple),
    _DIMS,
    st.integers(0, 3),
)


FULL_BATCHES = ((), (1,), (3,), (2, 1), (1, 2, 2))
BATCHES = (*FULL_BATCHES, (0,), (2, 0))
SEEDS = st.integers(0, 2**32 - 1)
