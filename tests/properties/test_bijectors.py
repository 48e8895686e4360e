"""Bijectors: whatever the arguments, a round trip with log-dets that cancel, or a refusal."""

import operator

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from hypothesis import strategies as st

import tfflows.bijectors as tfb
from tests.properties import runner
from tests.properties.runner import Row
from tests.properties.strategies import (
    BATCHES,
    Kind,
    choice,
    dtype,
    flag,
    image,
    integer,
    is_number,
    is_sequence,
    number,
    optional,
    shape,
    shapes,
)

EVENT = shape(shapes(1, 2, 3, 4))
EVEN = shape(
    st.builds(lambda outer, n: (*outer, 2 * n), shapes(0, 1, 2), st.integers(1, 2)),
    fits=lambda dims: dims[-1] % 2 == 0,
)
MASKED = shape(shapes(1, 3).filter(lambda dims: dims[0] > 1), (1, 3))
ALPHA = Kind(
    st.floats(0, 0.375, width=32),
    lambda value: is_number(value, 0, 0.5) and value != 0.5,
    st.sampled_from([0.5, -1e-9, False]),
)
DTYPE = dtype("float32", "float64")
NAME = Kind(st.sampled_from([None, "b", "b_1"]), lambda v: v is None or isinstance(v, str))
LAW = choice("additive", "exp", "sigmoid", "tanh", "bounded", "gaussian")


ORDERS = ("reverse", "shuffle", "even_odd")
ORDER = Kind(
    st.sampled_from(ORDERS) | st.permutations(range(3)),
    lambda v: isinstance(v, str) and v in ORDERS or is_sequence(v, 3, lambda i: i in range(3)),
    st.sampled_from([[0, 1, 1], [1, 2, 3], (0, 1), [[0, 1, 2]], ["0", "1", "2"], "Reverse"]),
)
PERMUTE, SQUEEZE = tfb.Permute((2, 2, 4)), tfb.Squeeze((2, 2, 4))
LAYERS = Kind(
    st.lists(st.just(PERMUTE), max_size=3).map(lambda layers: [*layers, SQUEEZE]),
    lambda value: False,
    st.sampled_from([[PERMUTE, tfb.Rescale], (PERMUTE, None), [tfp.bijectors.Exp()], iter(())]),
)
MASK = Kind(
    st.lists(st.integers(0, 1), min_size=3, max_size=3).map(lambda m: [*m, 0]),
    lambda v: np.size(np.asarray(v, object)) == 1 or is_sequence(v, 4, lambda part: part in (0, 1)),
    st.sampled_from([[1, 1, 1, 1], [0, 1], [0, 0.5, 1, 1], ["0", "1", "0", "1"], np.eye(5)]),
)


def law(channels, transform):
    """A function that gives a transform's parameters, the same for equal inputs."""
    params = channels * tfb.transforms.get(transform).num_params

    def conditioner(kept):
        mean = tf.reduce_mean(kept, axis=-1, keepdims=True)
        return tf.sin(mean * tf.range(1.0, params + 1, dtype=tf.float32))

    return conditioner


def split(event_shape, transform, **options):
    channels = tf.TensorShape(event_shape)[-1] if EVEN.is_right(event_shape) else 2
    conditioner = law(channels // 2, transform if LAW.is_right(transform) else "exp")
    return tfb.SplitCoupling(event_shape, conditioner, transform, **options)


def masked(event_shape, *, odd):
    mask = tfb.checkerboard_mask(event_shape, odd=odd)
    conditioner = law(tf.TensorShape(event_shape)[-1], "tanh")
    return tfb.MaskedCoupling(event_shape, conditioner, "tanh", mask)


def round_trip(bijector, arguments, rng):
    """Both directions in batches of several ranks: inverse to each other, log-dets too."""
    batch, name = BATCHES[rng.integers(len(BATCHES))], (bijector.dtype or tf.float32).name
    x = rng.uniform(0.1, 0.9, (*batch, *bijector.event_shape))
    z, log_det = bijector.inverse_and_log_det(tf.constant(x, name))
    back, opposite = bijector.forward_and_log_det(z)
    assert z.shape == (*batch, *bijector.latent_shape) and log_det.shape in ((), batch)
    assert np.isfinite(z).all() and np.isfinite(log_det).all()
    np.testing.assert_allclose(back, x, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(-opposite, log_det, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(bijector.inverse(bijector.forward(z)), z, rtol=1e-3, atol=1e-3)


def parts(partition, arguments, rng):
    """What a partition divides it puts together again."""
    x = tf.constant(rng.standard_normal((2, *partition.event_shape)))
    kept, changed = partition.split(x)
    assert kept.shape[1:] == partition.kept_shape and changed.shape[1:] == partition.changed_shape
    np.testing.assert_array_equal(partition.merge(kept, changed), x)


_NORMS = {
    "epsilon": number(0, right=(0.0625, 1.0)),
    "momentum": number(0, 1, right=(0.125, 0.875)),
}
_FACTOR, _SHIFT = number(0, right=(0.125, 8.0)), number(right=(-4.0, 4.0))
_SIZES = st.floats(0.0625, 4.0, width=32)
_SCALE = number(without=(0.0,))._replace(right=_SIZES | _SIZES.map(operator.neg))
_SEED = {"seed": integer(0, 2**40)}
ROWS = {
    "ActNorm": Row(
        tfb.ActNorm,
        {"event_shape": EVENT, "log_scale_factor": _FACTOR, "dtype": DTYPE, "name": NAME},
        round_trip,
    ),
    "BatchNorm": Row(tfb.BatchNorm, {"event_shape": EVENT, "dtype": DTYPE, **_NORMS}, round_trip),
    "Composite": Row(tfb.Composite, {"layers": LAYERS, "recompute": flag()}, round_trip),
    "DiagonalScale": Row(
        tfb.DiagonalScale, {"event_shape": EVENT, "from_data": flag(), "dtype": DTYPE}, round_trip
    ),
    "Halves": Row(tfb.Halves, {"event_shape": EVEN, "swap": flag()}, parts),
    "Halves of a size": Row(
        lambda **options: tfb.Halves((2, 5), **options), {"size": integer(1, 4, cap=4)}, parts
    ),
    "InvertibleConv": Row(
        tfb.InvertibleConv,
        {
            "event_shape": EVENT,
            "parameterization": choice("plu", "full"),
            "seed": optional(integer(0, 2**40)),
            "dtype": DTYPE,
        },
        round_trip,
    ),
    "Logit": Row(
        tfb.Logit,
        {"event_shape": EVENT, "alpha": ALPHA},
        round_trip,
    ),
    "Mask": Row(lambda mask: tfb.Mask((2, 4), mask), {"mask": MASK}, parts),
    "MaskedCoupling": Row(masked, {"event_shape": MASKED, "odd": flag()}, round_trip),
    "Permute": Row(
        lambda **options: tfb.Permute((2, 3), **options), {"order": ORDER, **_SEED}, round_trip
    ),
    "Rescale": Row(
        tfb.Rescale, {"event_shape": EVENT, "scale": _SCALE, "shift": _SHIFT}, round_trip
    ),
    "Reshape": Row(tfb.Reshape, {"event_shape": EVENT, "name": NAME}, round_trip),
    "SplitCoupling": Row(
        split, {"event_shape": EVEN, "transform": LAW, "swap": flag()}, round_trip
    ),
    "Squeeze": Row(
        tfb.Squeeze,
        {"event_shape": image(2), "order": choice("interleaved", "diagonal")},
        round_trip,
    ),
}


@runner.ROUNDS
@pytest.mark.parametrize("name", ROWS)
def test_constructor(name, deep):
    runner.check(f"bijectors.{name}", ROWS[name], deep=deep)
