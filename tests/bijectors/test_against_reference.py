"""Every bijector against the plain NumPy implementation in tests/reference, in float64."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.reference import couplings, layers, multi_scale, random_weights
from tfflows import bijectors as tfb

IMAGE = (2, 4, 4)
VECTOR = (6,)
TALL = (4, 4, 2)
both_shapes = pytest.mark.parametrize("event_shape", [IMAGE, VECTOR], ids=["image", "vector"])
whole_and_masked = pytest.mark.parametrize(
    "mask", [None, tfb.checkerboard_mask(IMAGE)], ids=["whole", "masked"]
)
LAWS = {law: law for law in couplings.LAWS} | {"tanh": tfb.AffineTanh(0.7, dtype=tf.float64)}
every_law = pytest.mark.parametrize("law", couplings.LAWS)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def check(bijector, encode, decode, x):
    """Both directions of ours and of the reference: the same values and log-dets."""
    expected = encode(x)
    z = draw(*expected[0].shape, seed=9)
    for (value, log_det), (wanted, wanted_log_det) in (
        (bijector.inverse_and_log_det(x), expected),
        (bijector.forward_and_log_det(z), decode(z)),
    ):
        np.testing.assert_allclose(value, wanted, rtol=1e-10, atol=1e-10)
        log_det = tf.broadcast_to(log_det, wanted_log_det.shape)
        np.testing.assert_allclose(log_det, wanted_log_det, rtol=1e-10, atol=1e-10)


def bound(encode, decode, **kwargs):
    return functools.partial(encode, **kwargs), functools.partial(decode, **kwargs)


def network(law, inputs, units):
    """The same random function of the last axis for NumPy and for TensorFlow."""
    outputs = units if law == "additive" else 2 * units
    kernel, bias = draw(inputs, outputs, seed=1), 0.3 * draw(outputs, seed=2)
    return (
        lambda kept: np.tanh(kept @ kernel) + bias,
        lambda kept: tf.tanh(tf.tensordot(kept, kernel, 1)) + bias,
    )


@every_law
@both_shapes
@pytest.mark.parametrize("swap", [False, True])
def test_split_coupling(law, event_shape, swap):
    half = event_shape[-1] // 2
    theirs, ours = network(law, half, half)
    bijector = tfb.SplitCoupling(event_shape, ours, LAWS[law], swap=swap, dtype=tf.float64)
    pair = couplings.split_coupling_encode, couplings.split_coupling_decode
    pair = bound(*pair, conditioner=theirs, law=law, swap=swap, scale=0.7)
    check(bijector, *pair, draw(3, *event_shape))


@every_law
@pytest.mark.parametrize("kind", ["checkerboard", "channel"])
@pytest.mark.parametrize("first", [False, True])
def test_masked_coupling(law, kind, first):
    if kind == "checkerboard":
        mask = tfb.checkerboard_mask(IMAGE, odd=not first)
        theirs_mask = couplings.checkerboard_mask(2, 4, first)
    else:
        mask = tfb.channel_mask(IMAGE, swap=not first)
        theirs_mask = couplings.channel_mask(4, first)
    theirs, ours = network(law, 4, 4)
    bijector = tfb.MaskedCoupling(IMAGE, ours, LAWS[law], mask, dtype=tf.float64)
    pair = couplings.masked_coupling_encode, couplings.masked_coupling_decode
    pair = bound(*pair, conditioner=theirs, law=law, mask=theirs_mask, scale=0.7)
    check(bijector, *pair, draw(3, *IMAGE))


@both_shapes
@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_act_norm(event_shape, factor):
    bijector = tfb.ActNorm(event_shape, log_scale_factor=factor, dtype=tf.float64)
    channels = event_shape[-1:]
    weights = {"shift": draw(*channels, seed=3), "log_scale": 0.3 * draw(*channels, seed=4)}
    bijector.shift.assign(weights["shift"])
    bijector.log_scale.assign(weights["log_scale"])
    pair = bound(layers.act_norm_encode, layers.act_norm_decode, factor=factor, **weights)
    check(bijector, *pair, draw(3, *event_shape))


@both_shapes
def test_act_norm_initialized(event_shape):
    bijector = tfb.ActNorm(event_shape, dtype=tf.float64)
    x = 2 + 3 * draw(9, *event_shape)
    bijector.initialize(x)
    shift, log_scale = layers.act_norm_initialize(x)
    np.testing.assert_allclose(bijector.shift, shift)
    np.testing.assert_allclose(bijector.log_scale, log_scale)


def batch_norm(partition=None):
    bijector = tfb.BatchNorm(IMAGE, partition, epsilon=1e-3, dtype=tf.float64)
    mean, variance = draw(4, seed=3), np.exp(draw(4, seed=4))
    bijector.moving_mean.assign(mean)
    bijector.moving_variance.assign(variance)
    return bijector, mean, variance


@whole_and_masked
def test_batch_norm(mask):
    bijector, mean, variance = batch_norm(None if mask is None else tfb.Mask(IMAGE, mask))
    kwargs = {"changed": 1.0 if mask is None else 1 - mask, "epsilon": 1e-3}
    pair = layers.batch_norm_encode, layers.batch_norm_decode
    check(bijector, *bound(*pair, mean=mean, variance=variance, **kwargs), draw(3, *IMAGE))


@whole_and_masked
def test_batch_norm_in_training(mask):
    bijector, mean, variance = batch_norm(None if mask is None else tfb.Mask(IMAGE, mask))
    changed, x = 1.0 if mask is None else 1 - mask, 1 + draw(5, *IMAGE)
    z, log_det = bijector.inverse_and_log_det(x, training=True)
    moments = layers.batch_moments(x, changed)
    expected, expected_log_det = layers.batch_norm_encode(x, *moments, changed, epsilon=1e-3)
    np.testing.assert_allclose(z, expected)
    np.testing.assert_allclose(tf.fill([5], log_det), expected_log_det)
    for variable, old, new in (
        (bijector.moving_mean, mean, moments[0]),
        (bijector.moving_variance, variance, moments[1]),
    ):
        np.testing.assert_allclose(variable, layers.moved_average(old, new))


@both_shapes
def test_invertible_conv_plu(event_shape):
    weights = random_weights.plu(np.random.default_rng(5), event_shape[-1])
    bijector = tfb.InvertibleConv(event_shape, seed=0, dtype=tf.float64)
    for name, value in weights.items():
        getattr(bijector, name).assign(value)
    matrix = layers.plu_matrix(**weights)
    np.testing.assert_allclose(bijector.matrix(), matrix)
    pair = bound(layers.conv1x1_encode, layers.conv1x1_decode, matrix=matrix)
    check(bijector, *pair, draw(3, *event_shape))


@both_shapes
def test_invertible_conv_full(event_shape):
    matrix = draw(event_shape[-1], event_shape[-1], seed=6)
    bijector = tfb.InvertibleConv(event_shape, parameterization="full", seed=0, dtype=tf.float64)
    bijector.kernel.assign(matrix)
    pair = bound(layers.conv1x1_encode, layers.conv1x1_decode, matrix=matrix)
    check(bijector, *pair, draw(3, *event_shape))


@both_shapes
@pytest.mark.parametrize("order", ["reverse", "even_odd"])
def test_permute(event_shape, order):
    indices = layers.permutation_order(order, event_shape[-1])
    pair = bound(layers.permute_encode, layers.permute_decode, order=indices)
    check(tfb.Permute(event_shape, order), *pair, draw(3, *event_shape))


def test_permute_by_indices():
    order = [2, 4, 0, 1, 5, 3]
    pair = bound(layers.permute_encode, layers.permute_decode, order=order)
    check(tfb.Permute(VECTOR, order), *pair, draw(3, *VECTOR))


@pytest.mark.parametrize("order", ["interleaved", "diagonal"])
@pytest.mark.parametrize("event_shape", [(2, 4, 3), (4, 2, 1), (6, 4, 2)])
def test_squeeze(order, event_shape):
    pair = bound(multi_scale.squeeze_encode, multi_scale.squeeze_decode, order=order)
    check(tfb.Squeeze(event_shape, order=order), *pair, draw(3, *event_shape))


@both_shapes
def test_diagonal_scale(event_shape):
    bijector, log_scale = tfb.DiagonalScale(event_shape, dtype=tf.float64), draw(*event_shape)
    bijector.log_scale.assign(log_scale)
    pair = layers.diagonal_scale_encode, layers.diagonal_scale_decode
    check(bijector, *bound(*pair, log_scale=log_scale), draw(3, *event_shape))


@pytest.mark.parametrize(("scale", "shift"), [(1 / 256, 0.0), (-2.0, 0.5)])
def test_rescale(scale, shift):
    pair = bound(layers.rescale_encode, layers.rescale_decode, scale=scale, shift=shift)
    check(tfb.Rescale(IMAGE, scale, shift), *pair, draw(3, *IMAGE))


@pytest.mark.parametrize("alpha", [0.0, 0.05, 0.2])
def test_logit(alpha):
    pair = bound(layers.logit_encode, layers.logit_decode, alpha=alpha)
    x = np.random.default_rng(0).uniform(0.01, 0.99, (3, *IMAGE))
    check(tfb.Logit(IMAGE, alpha), *pair, x)


def priors():
    """The network of a split prior of 8 channels, for NumPy and as a coupling of ours."""
    theirs, ours = network("gaussian", 4, 4)
    return theirs, tfb.SplitCoupling((2, 2, 8), ours, "gaussian", dtype=tf.float64)


def test_split_prior():
    theirs, ours = priors()
    x = draw(3, 2, 2, 8)

    def encode(x):
        kept, noise, log_det = multi_scale.split_prior_encode(x, theirs)
        return np.concatenate([kept, noise], axis=-1), log_det

    def decode(z):
        return multi_scale.split_prior_decode(z[..., :4], z[..., 4:], theirs)

    check(ours, encode, decode, x)


@pytest.mark.parametrize("learned", [False, True], ids=["unconditional", "learned"])
def test_multi_scale(learned):
    """Two levels of squeeze and scale, with the split prior of RealNVP or that of Glow."""
    scales = {8: 0.3 * draw(2, 2, 8, seed=7), 16: 0.3 * draw(1, 1, 16, seed=8)}
    theirs, prior = priors()
    ours, encode_levels, decode_levels = [], [], []
    for event_shape, channels in ((TALL, 8), ((2, 2, 4), 16)):
        squeeze = tfb.Squeeze(event_shape)
        scale = tfb.DiagonalScale(squeeze.latent_shape, dtype=tf.float64)
        scale.log_scale.assign(scales[channels])
        ours.append(tfb.Composite([squeeze, scale, *[prior] * (learned and channels == 8)]))
        pair = layers.diagonal_scale_encode, layers.diagonal_scale_decode
        encode, decode = bound(*pair, log_scale=scales[channels])
        encode_levels.append(lambda x, f=encode: f(multi_scale.squeeze_encode(x)[0]))
        decode_levels.append(functools.partial(_unsqueezed, decode))

    priors_of_levels = [theirs] if learned else None
    check(
        tfb.MultiScale(ours),
        lambda x: multi_scale.multi_scale_encode(x, encode_levels, priors_of_levels),
        lambda z: multi_scale.multi_scale_decode(
            z, decode_levels, [(2, 2, 8), (1, 1, 16)], priors_of_levels
        ),
        draw(3, *TALL),
    )


def _unsqueezed(decode, z):
    x, log_det = decode(z)
    return multi_scale.squeeze_decode(x)[0], log_det
