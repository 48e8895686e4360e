"""A flow's methods: whatever they are given, what the docstrings say, or a refusal."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import tfflows
from tests.models import flows
from tests.properties import runner
from tests.properties.runner import Row
from tests.properties.strategies import (
    BATCHES,
    Kind,
    integer,
    is_integer,
    is_number,
    is_sequence,
    optional,
)

BINS, SHAPE = flows.BINS, flows.SHAPE
SEED = optional(
    Kind(
        st.integers(-(2**31), 2**31 - 1),
        lambda value: integer(-(2**31), 2**31 - 1, cap=2**31 - 1).is_right(value),
        st.sampled_from([2**31, -(2**31) - 1, 0.0, "1", True]),
    )
)
SAMPLES, N = integer(1, 3, cap=2**31 - 1), integer(1, 4, cap=2**31 - 1)


def array(shape, seed, *, kind="float", bins=BINS):
    """Data of a shape: floats, of one precision or another, or integers."""
    rng = np.random.default_rng(seed)
    if kind.startswith(("int", "uint")):
        return rng.integers(0, bins, shape).astype(kind)
    return rng.uniform(0.1, bins - 0.1, shape).astype(kind)


def arrays(event_shape, *kinds, batches=BATCHES):
    """Strategy of arrays, tensors and lists of data in batches of several ranks."""
    shapes = st.sampled_from([(*batch, *event_shape) for batch in batches])
    made = st.builds(
        lambda s, seed, k: array(s, seed, kind=k),
        shapes,
        st.integers(0, 99),
        st.sampled_from(kinds),
    )
    return made | made.map(tf.constant)


def data(event_shape, *kinds, bad=(), **options):
    """Data; of anything else only what is listed here is sure to be wrong."""
    wrong = [None, "a", {}, [[1], [1, 2]], np.full((2, *event_shape), 1j), np.zeros((2, 3, 1)), 3.5]
    wrong += [
        np.full((2, *event_shape), "a"),
        np.zeros((2, *event_shape), bool),
        np.zeros(()),
        *bad,
    ]
    right = arrays(event_shape, *kinds, **options)
    return Kind(right, lambda value: not any(value is w for w in wrong), st.sampled_from(wrong))


NOT_FINITE = [np.full((2, *SHAPE), value, np.float32) for value in (np.nan, np.inf)]
OUTSIDE = [np.full((2, *SHAPE), BINS), np.full((1, *SHAPE), -1), np.full(SHAPE, 2**40)]
KINDS = ("float32", "float64", "uint8", "int32", "int64", "float16")
X = data(SHAPE, *KINDS, bad=NOT_FINITE + OUTSIDE)
INTEGERS = data(SHAPE, "uint8", "int64", bad=NOT_FINITE + OUTSIDE)
Z = data((16,), "float32", "float64", "int32")
NO_FLOATS = [None, "a", {}, [[1], [1, 2]], np.full((2, 2), 1j), np.ones(3, bool), np.ones(3, int)]
Y = Kind(  # of any shape
    arrays(SHAPE, "float32", "float64"),
    lambda value: not any(value is wrong for wrong in NO_FLOATS),
    st.sampled_from(NO_FLOATS),
)
TEMPERATURE = Kind(
    st.floats(0, 2, width=32)
    | st.integers(0, 2)
    | st.lists(st.floats(0, 2), min_size=1, max_size=1),
    lambda v: is_number(v, 0) or isinstance(v, list | tuple | np.ndarray),
    st.sampled_from([[], [1.0, 1.0], [-1.0], [None], -0.5]),
)
TWO = Kind(
    st.lists(st.floats(0, 2), min_size=2, max_size=2) | st.tuples(*[st.integers(0, 2)] * 2),
    lambda value: is_number(value, 0) or isinstance(value, list | tuple | np.ndarray),
    st.sampled_from([[], [1.0], [1.0] * 3, [1, -1], [1, "1"], np.ones((2, 1))]),
)


@functools.cache
def flow(kind, **options):
    """A flow for all cases, its variables moved from their starts."""
    return flows.trained(kind, **options)


def finite(result, arguments, rng):
    x = next(iter(arguments.values()))
    batch = np.shape(x)[: np.ndim(x) - 3]
    assert result.shape == batch and np.isfinite(result).all()


def round_trip(z, arguments, rng):
    x = np.asarray(arguments["x"])
    assert z.shape == (*x.shape[:-3], 16)
    back = flow("realnvp").decode(z)
    if x.dtype.kind == "f":
        np.testing.assert_allclose(back, x, rtol=1e-2, atol=0.1)
    else:
        np.testing.assert_array_equal(flow("realnvp").to_integers(back), x)


def decoded(x, arguments, rng):
    assert x.shape == (*np.shape(arguments["z"])[:-1], *SHAPE) and np.isfinite(x).all()


def sampled(x, arguments, rng):
    assert x.shape == (arguments["n"], *SHAPE) and np.isfinite(x).all()
    if arguments["seed"] is not None:
        again = flow(*_OF[len(np.atleast_1d(arguments["temperature"]))])
        np.testing.assert_array_equal(again.sample(**arguments), x)


_OF = {1: ("nice",), 2: ("glow",)}


def integers(result, arguments, rng):
    assert result.dtype == tf.uint8 and result.shape == np.shape(arguments["x"])
    assert (np.asarray(result) < BINS).all()


def given(condition):
    return flow("nice", condition_shape=(2,)).log_prob(array((3, *SHAPE), 0), condition)


def of_classes(labels):
    return flow("glow", levels=1, classes=3).log_prob(array((3, *SHAPE), 0), labels)


CONDITION = data((2,), "float32", "float64", "int32", batches=[(3,)], bad=NOT_FINITE)
LABELS = Kind(
    st.lists(st.integers(0, 2), min_size=3, max_size=3).map(lambda v: np.array(v, np.uint8))
    | st.permutations(range(3)),
    lambda value: is_sequence(value, 3, lambda label: is_integer(label, 0, 2)),
    st.sampled_from([[0, 1, 3], [-1, 0, 1], np.zeros(2, int), np.zeros((3, 1), int), np.zeros(3)]),
)
ROWS = {
    "log_prob": Row(lambda x: flow("realnvp").log_prob(x), {"x": X}, finite, 120),
    "bound": Row(
        lambda x, dequantization_samples: flow("nice").log_prob(x, None, dequantization_samples),
        {"x": INTEGERS, "dequantization_samples": SAMPLES},
        finite,
        90,
    ),
    "encode": Row(lambda x: flow("realnvp").encode(x), {"x": X}, round_trip, 120),
    "decode": Row(lambda z: flow("glow").decode(z), {"z": Z}, decoded, 90),
    "sample": Row(
        lambda **arguments: flow("nice").sample(**arguments),
        {"n": N, "temperature": TEMPERATURE, "seed": SEED},
        sampled,
        120,
    ),
    "sample of levels": Row(
        lambda **arguments: flow("glow").sample(**arguments),
        {"n": N, "temperature": TWO, "seed": SEED},
        sampled,
        60,
    ),
    "to_integers": Row(lambda x: flow("nice").to_integers(x), {"x": Y}, integers, 60),
    "condition": Row(given, {"condition": CONDITION}, many=60),
    "labels": Row(of_classes, {"labels": LABELS}, many=60),
}


pytestmark = pytest.mark.usefixtures("eager")  # each rank of a batch would be a trace


@runner.ROUNDS
@pytest.mark.parametrize("name", ROWS)
def test_method(name, deep):
    runner.check(f"methods.{name}", ROWS[name], deep=deep)


@runner.ROUNDS
@pytest.mark.parametrize("kind", flows.NAMES)
def test_nan_stays_in_its_row(kind, deep):
    """Where values are not checked, in a graph or by TFP's interface, NaN spoils its row alone."""

    def case(drawn):
        seed, row, element = drawn
        x = array((3, *SHAPE), seed).astype(np.float32)
        expected = flow(kind).distribution.log_prob(x).numpy()
        x[row].flat[element] = np.nan
        log_prob = flow(kind).distribution.log_prob(x).numpy()
        others = np.arange(3) != row
        np.testing.assert_allclose(log_prob[others], expected[others], rtol=1e-4)

    places = st.tuples(st.integers(0, 10**6), st.integers(0, 2), st.integers(0, 15))
    runner.run(f"methods.nan.{kind}", places, case, 30 if deep else 2, deep)


def export(tmp_path, **arguments):
    return tfflows.export_saved_model(flow("nice"), **{"base_dir": tmp_path, **arguments})


@runner.ROUNDS
def test_bounds_of_exports(deep, tmp_path):
    positive = Kind(st.floats(0.5, 4), lambda value: is_number(value, 0) and value != 0)
    path = Kind(st.just(tmp_path), lambda value: isinstance(value, str))
    version = optional(integer(0, 10**9))
    row = Row(
        functools.partial(export, tmp_path),
        {
            "base_dir": path,
            "version": version,
            "max_batch_size": integer(1, 4096, cap=2**31 - 1),
            "max_temperature": positive,
        },
        many=120,
        spoiled=True,
    )
    runner.check("export", row, deep=deep)
    assert not list(tmp_path.iterdir())
