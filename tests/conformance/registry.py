"""One row for every public bijector and variant. A row buys every property of test_properties.

A new bijector needs a row here and nothing else; test_coverage.py fails without one.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tests.conformance import conditioners
from tfflows import bijectors as tfb

IMAGE = (2, 2, 4)
TALL = (4, 4, 2)
VECTOR = (6,)


class Row(NamedTuple):
    """How to make a bijector and what to feed it.

    Attributes:
      name: Name of the row, and of the test.
      make: Function of a dtype that returns a new bijector, always with the same weights.
      data: Where data live: "normal" (everywhere) or "unit" (between 0 and 1).
      latent: Where latents live, likewise.
      condition: Whether the bijector is called with a condition, a vector of 3.
    """

    name: str
    make: Callable
    data: str = "normal"
    latent: str = "normal"
    condition: bool = False


def coupling(partition, transform, kind, dtype, *, condition=False):
    """A `Coupling` with one of the conditioners; a transform's class, instance or name."""
    law = tfb.transforms.get(transform, dtype)
    net = conditioners.make(kind, partition, law.num_params, condition=condition, dtype=dtype)
    return tfb.Coupling(net, law, partition, dtype=dtype)


def split(
    event_shape, transform, kind, dtype, *, condition=False, swap=False, size=None, **options
):
    """A `SplitCoupling` with one of the conditioners."""
    halves = tfb.Halves(event_shape, swap=swap, size=size)
    params = tfb.transforms.get(transform, dtype).num_params
    net = conditioners.make(kind, halves, params, condition=condition, dtype=dtype)
    options |= {"swap": swap, "size": size, "dtype": dtype}
    return tfb.SplitCoupling(event_shape, net, transform, **options)


def masked(event_shape, transform, kind, dtype, mask, *, condition=False):
    """A `MaskedCoupling` with one of the conditioners."""
    partition = tfb.Mask(event_shape, mask)
    params = tfb.transforms.get(transform, dtype).num_params
    net = conditioners.make(kind, partition, params, condition=condition, dtype=dtype)
    return tfb.MaskedCoupling(event_shape, net, transform, mask, dtype=dtype)


def composite(dtype):
    """A composite in a composite, with a condition that one coupling is not given, and TFP's own
    bijectors bare and wrapped."""
    inner = tfb.Composite(
        [
            tfb.InvertibleConv(VECTOR, seed=1, dtype=dtype),
            split(VECTOR, "sigmoid", "keras", dtype, condition=True),
        ]
    )
    return tfb.Composite(
        [
            tfb.FromTFP(VECTOR, tfp.bijectors.Scale(tf.constant(1.5, dtype))),
            inner,
            split(VECTOR, "bounded", "module", dtype, conditional=False),
            tfp.bijectors.Sinh(),
            tfb.Reshape(VECTOR, (1, 1, 6)),
            split((1, 1, 6), "exp", "module", dtype, condition=True, swap=True),
        ]
    )


def multi_scale(dtype):
    """Two levels whose factored half is left as it is, as in RealNVP."""
    return tfb.MultiScale(
        [
            tfb.Composite([tfb.Squeeze(TALL), _batch_norm((2, 2, 8), None, dtype)]),
            masked((2, 2, 4), "tanh", "keras", dtype, _checkerboard(IMAGE)),
        ]
    )


def multi_scale_prior(dtype):
    """Two levels with a learned split prior and top prior as in Glow, all given a condition."""
    prior = split((2, 2, 8), "gaussian", "module", dtype, condition=True)
    top = masked((1, 1, 16), "gaussian", "keras", dtype, 0.0, condition=True)
    return tfb.MultiScale(
        [
            tfb.Composite([tfb.Squeeze(TALL), tfb.ActNorm((2, 2, 8), dtype=dtype), prior]),
            tfb.Composite([tfb.Squeeze(IMAGE), top]),
        ]
    )


def _checkerboard(event_shape, *, odd=False):
    return tfb.checkerboard_mask(event_shape, odd=odd)


def _batch_norm(event_shape, partition, dtype):
    return tfb.BatchNorm(event_shape, partition, epsilon=1e-2, dtype=dtype)


_ROWS = [
    # Couplings: every transform, partition, kind of conditioner and side.
    Row("split_additive", lambda d: split(VECTOR, "additive", "module", d)),
    Row("split_exp_swap", lambda d: split(VECTOR, "exp", "module", d, swap=True)),
    Row("split_sigmoid", lambda d: split(IMAGE, "sigmoid", "keras", d)),
    Row("split_sigmoid_swap", lambda d: split(IMAGE, "sigmoid", "function", d, swap=True)),
    Row("split_uneven", lambda d: split((5,), "exp", "module", d, size=2)),
    Row("split_uneven_swap", lambda d: split((1, 2, 3), "exp", "function", d, size=1, swap=True)),
    Row("split_gaussian", lambda d: split(IMAGE, "gaussian", "module", d)),
    Row("split_bounded", lambda d: split(VECTOR, "bounded", "function", d)),
    Row("split_tanh", lambda d: split(VECTOR, "tanh", "module", d)),
    Row(
        "split_condition", lambda d: split(IMAGE, "exp", "keras", d, condition=True), condition=True
    ),
    Row(
        "split_condition_vector",
        lambda d: split(VECTOR, "bounded", "module", d, condition=True),
        condition=True,
    ),
    Row("masked_additive", lambda d: masked(VECTOR, "additive", "module", d, [1, 1, 0, 0, 1, 0])),
    Row("masked_tanh", lambda d: masked(IMAGE, "tanh", "keras", d, _checkerboard(IMAGE))),
    Row(
        "masked_tanh_odd",
        lambda d: masked(IMAGE, "tanh", "module", d, _checkerboard(IMAGE, odd=True)),
    ),
    Row("masked_channel", lambda d: masked(IMAGE, "exp", "function", d, tfb.channel_mask(IMAGE))),
    Row("masked_vector", lambda d: masked(VECTOR, "bounded", "module", d, _checkerboard(VECTOR))),
    Row("masked_constant", lambda d: masked(VECTOR, "gaussian", "keras", d, 0.0)),
    Row(
        "masked_condition",
        lambda d: masked(IMAGE, "sigmoid", "function", d, _checkerboard(IMAGE), condition=True),
        condition=True,
    ),
    Row("coupling_halves", lambda d: coupling(tfb.Halves(VECTOR), tfb.AffineExp(), "keras", d)),
    Row(
        "coupling_mask",
        lambda d: coupling(
            tfb.Mask(IMAGE, tfb.channel_mask(IMAGE, swap=True)),
            tfb.AffineTanh(0.7, dtype=d),
            "module",
            d,
        ),
    ),
    # Layers without a conditioner.
    Row("act_norm", lambda d: tfb.ActNorm(IMAGE, dtype=d)),
    Row("act_norm_vector", lambda d: tfb.ActNorm(VECTOR, log_scale_factor=1, dtype=d)),
    Row("batch_norm", lambda d: _batch_norm(IMAGE, None, d)),
    Row("batch_norm_vector", lambda d: _batch_norm(VECTOR, tfb.Halves(VECTOR, swap=True), d)),
    Row("batch_norm_halves", lambda d: _batch_norm(IMAGE, tfb.Halves(IMAGE), d)),
    Row("batch_norm_mask", lambda d: _batch_norm(IMAGE, tfb.Mask(IMAGE, _checkerboard(IMAGE)), d)),
    Row("conv_plu", lambda d: tfb.InvertibleConv(IMAGE, seed=0, dtype=d)),
    Row("conv_plu_vector", lambda d: tfb.InvertibleConv(VECTOR, seed=3, dtype=d)),
    Row(
        "conv_full",
        lambda d: tfb.InvertibleConv(IMAGE, parameterization="full", seed=0, dtype=d),
    ),
    Row("diagonal_scale", lambda d: tfb.DiagonalScale(VECTOR, dtype=d)),
    Row("diagonal_scale_image", lambda d: tfb.DiagonalScale(IMAGE, dtype=d)),
    Row("permute_reverse", lambda d: tfb.Permute(IMAGE)),
    Row("permute_shuffle", lambda d: tfb.Permute(VECTOR, "shuffle", seed=5)),
    Row("permute_even_odd", lambda d: tfb.Permute((5,), "even_odd")),
    Row("permute_indices", lambda d: tfb.Permute(IMAGE, [2, 0, 3, 1])),
    Row("squeeze_interleaved", lambda d: tfb.Squeeze(TALL)),
    Row("squeeze_diagonal", lambda d: tfb.Squeeze((2, 4, 2), order="diagonal")),
    Row("reshape", lambda d: tfb.Reshape(IMAGE)),
    Row("reshape_image", lambda d: tfb.Reshape(IMAGE, (4, 4, 1))),
    Row("rescale", lambda d: tfb.Rescale(IMAGE, 2.0, -0.5)),
    Row("rescale_negative", lambda d: tfb.Rescale(VECTOR, -0.25, 1.0)),
    Row("logit", lambda d: tfb.Logit(IMAGE), data="unit"),
    Row("logit_alpha", lambda d: tfb.Logit(VECTOR, 1e-3), data="unit"),
    # Bijectors of bijectors.
    Row("invert", lambda d: tfb.Invert(split(VECTOR, "exp", "module", d))),
    Row("invert_logit", lambda d: tfb.Invert(tfb.Logit(VECTOR)), latent="unit"),
    Row("invert_squeeze", lambda d: tfb.Invert(tfb.Squeeze(TALL, order="diagonal"))),
    Row(
        "invert_condition",
        lambda d: tfb.Invert(split(VECTOR, "sigmoid", "module", d, condition=True)),
        condition=True,
    ),
    Row("from_tfp", lambda d: tfb.FromTFP(VECTOR, tfp.bijectors.Softsign()), data="unit"),
    Row(
        "from_tfp_matrix",
        lambda d: tfb.FromTFP((2, 3), tfp.bijectors.Transpose(rightmost_transposed_ndims=2)),
    ),
    Row("composite", composite, condition=True),
    Row("multi_scale", multi_scale),
    Row("multi_scale_prior", multi_scale_prior, condition=True),
]

ROWS = {row.name: row for row in _ROWS}

# Public classes that are no map of their own.
ABSTRACT = {
    "Bijector": "the base class",
    "Transform": "the base class of the transforms",
    "Affine": "the base class of the affine transforms",
}

# The rows that pay for the slow properties (XLA, SavedModel, replicas): every class is in one.
ONE_OF_EACH = (
    "split_sigmoid",
    "masked_tanh",
    "coupling_mask",
    "act_norm",
    "batch_norm_mask",
    "conv_plu",
    "conv_full",
    "diagonal_scale",
    "permute_shuffle",
    "squeeze_interleaved",
    "squeeze_diagonal",
    "reshape",
    "rescale",
    "logit",
    "invert_condition",
    "from_tfp",
    "composite",
    "multi_scale",
    "multi_scale_prior",
)

# (test, row) where the property cannot hold.
EXCEPTIONS = {
    ("test_every_variable_gets_a_gradient", "masked_constant"): (
        "a conditioner that only sees zeros has no use for its first kernel"
    ),
}
