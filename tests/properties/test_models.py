"""Whole models: whatever the arguments, decode inverts encode and densities are finite, or none."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import tfflows
from tests.models import flows
from tests.properties import runner
from tests.properties.runner import Row
from tests.properties.strategies import (
    FULL_BATCHES,
    Kind,
    choice,
    dtype,
    flag,
    image,
    integer,
    is_integer,
    is_number,
    is_sequence,
    optional,
    shape,
    shapes,
)

MOST_BINS = 2**22
DEPTH, WIDTH = integer(1, 2), integer(1, 4)
PRECISION = Kind(
    st.none(),
    lambda value: value is None or (isinstance(value, str | tf.DType) and value in ANY_DTYPE),
    st.sampled_from(["mixed", ["float32"], "mixed_float16"]),
)
ANY_DTYPE = ("float32", "float64", "mixed_bfloat16", tf.float32, tf.float64)
DTYPE = dtype("float32", "float64")
BINS = Kind(
    integer(2, 300).right | st.just(2**16),
    lambda v: v is None or (isinstance(v, str) and v == "auto") or is_integer(v, 2, MOST_BINS),
    st.sampled_from([1, 0, -2, 2.0, "256", MOST_BINS + 1, True]),
)
NO_BINS = BINS._replace(right=st.sampled_from([None, "auto"]))
CONDITION = Kind(
    st.none() | st.tuples(st.integers(1, 3)) | st.integers(1, 3).map(lambda n: [n]),
    lambda value: value is None or is_sequence(value, 1, is_integer),
    st.sampled_from([3, (0,), (2, 2), (None,), ("3",), (True,)]),
)
NOISE = Kind(
    st.sampled_from([None, None, None, "variational"]),
    lambda value: value is None or (isinstance(value, str) and value == "variational"),
    st.sampled_from(["uniform", 1, [None]]),
)
RANGE = Kind(
    st.sampled_from([(0.0, 1.0), (-1, 1), [0, 2.5], (np.float32(-1), np.float64(0.5))]),
    lambda value: is_sequence(value, 2, is_number) and value[0] < value[1],
    st.sampled_from([(1, 0), (0, 0), (0, np.nan), (0,), (0, 1, 2), ("0", 1), (False, True)]),
)
VECTOR = shape(shapes(1).filter(lambda d: d[0] > 1), (1, 3), lambda d: np.prod(d) > 1)
NAME = Kind(st.sampled_from([None, "flow"]), lambda value: True)
COMMON = {"condition_shape": CONDITION, "precision": PRECISION, "recompute": flag(), "dtype": DTYPE}
L2 = Kind(st.sampled_from([0, 0.0, 1e-3, np.float32(0.5)]), lambda v: is_number(v, 0))
LOSS = L2._replace(right=st.floats(0, 1, width=32))
NICE = {"depth": DEPTH, "width": WIDTH, "hidden_layers": DEPTH, "zero_init": flag(), **COMMON}
NICE |= {"base": choice("logistic", "normal"), "order": choice("even_odd", "rows", "channels")}
REAL = {"width": WIDTH, "blocks": DEPTH, "batch_norm": flag(), "zero_init": flag(), **COMMON}
GLOW = {"depth": DEPTH, "width": WIDTH, "levels": integer(1, 2, cap=3), "learn_prior": flag()}
GLOW |= {
    "transform": choice("additive", "exp", "sigmoid", "tanh", "bounded", "gaussian"),
    "permutation": choice("plu", "full", "shuffle", "reverse"),
    "bins": BINS,
    "precision": PRECISION,
    "dtype": DTYPE,
}
# Some other shapes would do for some numbers of levels, and vectors for NICE and RealNVP.
SIDE = image(4, most=1)._replace(is_right=VECTOR.is_right)
IMAGE = image(4)._replace(is_right=image(2).is_right)


def _given(flow, batch, rng):
    """A condition for a batch, None for a flow without."""
    if flow.classes is not None:
        return rng.integers(0, flow.classes, batch)
    wanted = flow.condition_shape
    return None if wanted is None else rng.standard_normal((*batch, *wanted))


def works(flow, arguments, rng):
    """Round trips and finite densities of a batch, of floats and of integers, and samples."""
    if rng.integers(2):
        flows.randomize(flow, scale=0.05)
    batch = FULL_BATCHES[rng.integers(len(FULL_BATCHES))]
    condition = _given(flow, batch, rng)
    x = rng.uniform(0.1, (flow.bins or 2) - 0.1, (*batch, *flow.event_shape))
    z, log_prob = flow.encode_and_log_prob(x, condition)
    assert z.shape == (*batch, np.prod(flow.event_shape)) and log_prob.shape == batch
    assert np.isfinite(z).all() and np.isfinite(log_prob).all()
    back = flow.decode(z, condition)
    np.testing.assert_allclose(back, x, rtol=5e-3, atol=5e-3 * (flow.bins or 1))
    np.testing.assert_allclose(flow.log_prob(x, condition), log_prob, rtol=1e-3, atol=1e-2)
    if flow.bins:
        integers = rng.integers(0, flow.bins, x.shape)
        assert np.isfinite(flow.log_prob(integers, condition)).all()
    sample = flow.sample(2, seed=1, condition=_given(flow, (2,), rng))
    assert sample.shape == (2, *flow.event_shape) and sample.dtype == flow.variable_dtype


def noisy(layer, arguments, rng):
    """The noise stays in the datum's cell, and its density is finite."""
    x = rng.integers(0, layer.bins, (3, *layer.event_shape))
    y, log_q = layer(x, seed=int(rng.integers(9)))
    assert log_q.shape == (3,) and np.isfinite(log_q).all()
    np.testing.assert_array_equal(np.floor(y), x)


ROWS = {
    "NICE": Row(
        tfflows.NICE,
        {"event_shape": SIDE, "bins": BINS, "dequantizer": NOISE, "data_range": RANGE, **NICE},
        works,
        100,
    ),
    "NICE of vectors": Row(
        tfflows.NICE, {"event_shape": VECTOR, "bins": NO_BINS, "name": NAME, **NICE}, works, 100
    ),
    "RealNVP": Row(
        tfflows.RealNVP,
        {
            "event_shape": SIDE,
            "levels": integer(1, 2, cap=2),
            "depth": optional(DEPTH),
            "bins": BINS,
            "l2": L2,
            "dequantizer": NOISE,
            **REAL,
        },
        works,
        100,
    ),
    "RealNVP of vectors": Row(
        tfflows.RealNVP,
        {"event_shape": VECTOR, "depth": DEPTH, "bins": NO_BINS, **REAL},
        works,
        100,
    ),
    "Glow": Row(
        tfflows.Glow, {"event_shape": IMAGE, "dequantizer": NOISE, **GLOW, **COMMON}, works, 100
    ),
    "Glow of classes": Row(
        tfflows.Glow,
        {"event_shape": IMAGE, "classes": integer(2, 4), "class_loss": LOSS, **GLOW},
        works,
        100,
    ),
    "VariationalDequantizer": Row(
        tfflows.VariationalDequantizer,
        {
            "event_shape": shape(shapes(1, 2, 3)),
            "bins": integer(2, 300),
            "depth": DEPTH,
            "width": WIDTH,
            "blocks": DEPTH,
        },
        noisy,
        100,
    ),
}


pytestmark = pytest.mark.usefixtures(
    "eager"
)  # a case has a model of its own, for which a trace would not pay


@runner.ROUNDS
@pytest.mark.parametrize("name", ROWS)
def test_constructor(name, deep):
    runner.check(f"models.{name}", ROWS[name], deep=deep)


MODELS = {"NICE": tfflows.NICE, "RealNVP": tfflows.RealNVP, "Glow": tfflows.Glow}


@runner.ROUNDS
@pytest.mark.parametrize("name", MODELS)
def test_presets(name, deep):
    presets = MODELS[name].presets
    preset = choice(*presets)

    def find(preset, seed):  # by a seed more, there are more cases than names
        return presets.find(preset)

    row = Row(find, {"preset": preset, "seed": Kind(st.integers(0, 2**32), lambda value: True)})
    row = row._replace(works=lambda found, given, rng: _is_called(found, given["preset"]))
    runner.check(f"presets.{name}", row, deep=deep)


def _is_called(found, name):
    assert found.name == name and found.figures and found.as_dict()["arguments"] is not None
