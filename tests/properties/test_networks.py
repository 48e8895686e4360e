"""Networks: whatever the arguments and shapes, finite outputs of the right shape, or a refusal."""

import numpy as np
import pytest
from hypothesis import strategies as st

from tests.properties import runner
from tests.properties.runner import Row
from tests.properties.strategies import (
    Kind,
    choice,
    dtype,
    flag,
    integer,
    is_integer,
    is_number,
    is_sequence,
    number,
)
from tfflows import networks

SIZE, WIDTH = integer(1, 4), integer(1, 5)
FACTOR = number(right=(0.5, 4.0), without=(0.0,))
ANY_FACTOR = number(right=(-4.0, 4.0))
DTYPE = dtype("float32", "float64")._replace(wrong=st.nothing(), is_right=lambda value: True)
# Keras takes functions, classes and configurations, too, and arrays to start from.
TAKEN = (dict, str, np.generic, np.ndarray)
INITIALIZER, ACTIVATION = (
    kind._replace(is_right=lambda v: v is None or callable(v) or isinstance(v, TAKEN))
    for kind in (choice("glorot_uniform", "zeros", "he_normal"), choice("relu", "tanh", "gelu"))
)
ODD_SIZE = Kind(
    st.sampled_from([1, 3, 5, np.int64(3)]),
    lambda value: is_integer(value) and value % 2 == 1,
    st.sampled_from([0, 2, -1, 3.0, "3"]),
)
SEQUENCES = (list, tuple, np.ndarray)
HIDDEN = Kind(
    st.lists(st.integers(1, 4), max_size=3) | st.tuples(st.integers(1, 4)),
    lambda value: (
        isinstance(value, SEQUENCES)
        and len(np.shape(np.asarray(value, object))) > 0
        and _are_sizes(value)
    ),
    st.sampled_from([(0,), (3, -1), (2.5,), ("3",), [True], [None], 3, "", b"2"]),
)
MASK = Kind(
    st.lists(st.integers(0, 1), min_size=4, max_size=4).map(lambda m: np.reshape(m, (2, 2)))
    | st.none()
    | st.just(np.zeros((2, 2, 1), bool)),
    lambda value: value is None or np.shape(np.asarray(value, object))[:2] == (2, 2),
    st.sampled_from([np.ones(3), np.full((2, 2), "a"), [[1, 0], [2]], np.ones((2, 2, 3)), "mask"]),
)
DROPOUT = Kind(
    st.floats(0, 0.875, width=32),
    lambda value: is_number(value, 0, 1) and value != 1,
    st.sampled_from([1.0, 1, -1e-9, "0.5"]),
)
BUILDS = {
    "image": Kind(
        st.tuples(st.none(), *[st.integers(1, 3)] * 3),
        lambda value: is_sequence(value, 4, lambda d: True) and all(map(is_integer, value[1:])),
        st.sampled_from([(None, 2, 2), (None, 2, 2, 0), (None, 2, None, 1), (2, 2, 2.5, 1)]),
    ),
    "vector": Kind(
        st.tuples(st.none() | st.just(2), st.integers(1, 3)),
        lambda value: isinstance(value, list | tuple) and len(value) > 1,
        st.sampled_from([(None,), (3,), ()]),
    ),
}
IMAGE, VECTOR = (2, 2, 2, 3), (2, 3)


def _are_sizes(values):
    return all(is_integer(value) for value in values)


def outputs(shape, units):
    """What must hold of a layer for inputs of a shape: so many finite outputs, the same again."""

    def works(layer, arguments, rng):
        x = rng.standard_normal(shape).astype(layer.compute_dtype)
        y = layer(x)
        assert y.shape == (*shape[:-1], arguments.get(units, shape[-1]))
        assert y.dtype == layer.compute_dtype and np.isfinite(y).all()
        np.testing.assert_array_equal(layer(x), y)
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()

    return works


ROWS = {
    "ActNorm": Row(
        networks.ActNorm, {"log_scale_factor": FACTOR, "dtype": DTYPE}, outputs(IMAGE, "channels")
    ),
    "ConvNet": Row(
        networks.ConvNet,
        {"channels_out": SIZE, "width": WIDTH, "depth": integer(1, 2), "dtype": DTYPE},
        outputs(IMAGE, "channels_out"),
    ),
    "EdgeBiasConv2D": Row(
        networks.EdgeBiasConv2D,
        {
            "filters": SIZE,
            "kernel_size": ODD_SIZE,
            "use_bias": flag(),
            "kernel_initializer": INITIALIZER,
        },
        outputs(IMAGE, "filters"),
    ),
    "MLP": Row(
        networks.MLP,
        {
            "units": SIZE,
            "hidden": HIDDEN,
            "activation": ACTIVATION,
            "kernel_initializer": INITIALIZER,
            "zero_init": flag(),
            "dropout": DROPOUT,
        },
        outputs(VECTOR, "units"),
    ),
    "PriorNet": Row(networks.PriorNet, {"filters": SIZE}, outputs(IMAGE, "filters")),
    "ResNet": Row(
        networks.ResNet,
        {
            "channels_out": SIZE,
            "width": WIDTH,
            "blocks": integer(1, 2),
            "mask": MASK,
            "input_gain": ANY_FACTOR,
            "use_batch_norm": flag(),
            "zero_init": flag(),
        },
        outputs(IMAGE, "channels_out"),
    ),
    "WeightNormConv2D": Row(
        networks.WeightNormConv2D,
        {"filters": SIZE, "kernel_size": SIZE, "use_bias": flag()},
        outputs(IMAGE, "filters"),
    ),
    "ZeroConv2D": Row(
        networks.ZeroConv2D,
        {"filters": SIZE, "kernel_size": ODD_SIZE, "log_scale_factor": ANY_FACTOR},
        outputs(IMAGE, "filters"),
    ),
    "ZeroDense": Row(
        networks.ZeroDense,
        {"units": SIZE, "log_scale_factor": ANY_FACTOR},
        outputs(VECTOR, "units"),
    ),
}


@runner.ROUNDS
@pytest.mark.parametrize("name", ROWS)
def test_constructor(name, deep):
    runner.check(f"networks.{name}", ROWS[name], deep=deep)


@runner.ROUNDS
@pytest.mark.parametrize("name", ROWS)
def test_build(name, deep):
    """Of a shape to build for; every layer says `inputs_shape`, as the methods' argument is."""
    sizes = {n: k.right for n, k in ROWS[name].arguments.items() if n in _SIZES}

    def build(inputs_shape):
        layer = ROWS[name].call(**dict.fromkeys(sizes, 2))
        layer.build(inputs_shape)
        return layer

    kind = BUILDS["vector" if name in ("ActNorm", "MLP", "ZeroDense") else "image"]
    row = Row(build, {"inputs_shape": kind}, many=20)
    runner.check(f"networks.{name}.build", row, deep=deep)


_SIZES = ("channels_out", "filters", "units")
