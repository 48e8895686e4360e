"""The reference models checked with NumPy alone."""

import functools
import math

import numpy as np
import pytest

from . import distributions, layers, models, multi_scale, networks, random_weights, realnvp
from .numerics import check_bijection


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def model(name, event_shape, **args):
    """(encode, decode) of a model with random weights."""
    rng = np.random.default_rng(11)
    if name == "nice":
        weights = random_weights.nice(rng, math.prod(event_shape))
        encode, decode = models.nice_encode, models.nice_decode
    elif name == "realnvp":
        weights = random_weights.realnvp(rng, event_shape[-1])
        encode, decode = realnvp.realnvp_encode, realnvp.realnvp_decode
    else:
        weights = random_weights.glow(rng, event_shape[-1], full=name == "glow_full")
        encode, decode = models.glow_encode, models.glow_decode
    return (
        functools.partial(encode, weights=weights, **args),
        functools.partial(decode, weights=weights, event_shape=event_shape, **args),
    )


@pytest.mark.parametrize("bins", [None, 16])
@pytest.mark.parametrize("name", ["nice", "realnvp", "glow", "glow_full"])
def test_model_is_a_bijection(name, bins):
    event_shape = (4, 4, 1)
    encode, decode = model(name, event_shape, bins=bins)
    x = np.random.default_rng(0).uniform(0, bins or 1, (2, *event_shape))
    check_bijection(encode, decode, x)


@pytest.mark.parametrize("law", ["additive", "exp"])
def test_glow_with_another_law(law):
    rng = np.random.default_rng(12)
    weights = random_weights.glow(rng, 1, levels=1)
    if law == "additive":
        for step in weights["levels"][0]["steps"]:
            step["network"]["last"] = random_weights.zero_conv(rng, 6, 2)
    check_bijection(
        lambda x: models.glow_encode(x, weights, law=law),
        lambda z: models.glow_decode(z, weights, (2, 2, 1), law=law),
        draw((2, 2, 2, 1)),
    )


def test_rectangular_images_and_batch_of_one():
    for name in ("glow", "realnvp"):
        encode, decode = model(name, (4, 8, 2), bins=8)
        x = np.random.default_rng(1).uniform(0, 8, (1, 4, 8, 2))
        z, _ = encode(x)
        assert z.shape == (1, 64)
        np.testing.assert_allclose(decode(z)[0], x, atol=1e-9)


@pytest.mark.parametrize("prior", ["normal", "logistic"])
def test_density_of_nice_integrates_to_one(prior):
    weights = random_weights.nice(np.random.default_rng(13), 2, hidden=(8,))
    weights["log_scale"] = np.array([0.8, 1.1])
    side = np.linspace(-15.0, 15.0, 201)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    density = np.exp(models.log_prob(*models.nice_encode(grid, weights), prior=prior))
    np.testing.assert_allclose(density.sum() * (side[1] - side[0]) ** 2, 1.0, atol=1e-3)


def test_priors():
    points = np.linspace(-30.0, 30.0, 3001)[:, None]
    normal = np.exp(distributions.standard_normal_log_prob(points))
    logistic = np.exp(distributions.standard_logistic_log_prob(points))
    step = points[1, 0] - points[0, 0]
    for density, variance in ((normal, 1.0), (logistic, math.pi**2 / 3)):
        np.testing.assert_allclose(density.sum() * step, 1.0, atol=1e-9)
        np.testing.assert_allclose((points[:, 0] ** 2 * density).sum() * step, variance, atol=1e-6)
    together = np.hstack([points, -points])
    np.testing.assert_allclose(np.exp(distributions.standard_normal_log_prob(together)), normal**2)


def test_uniform_model_has_eight_bits():
    log_prob = np.array([-48 * math.log(256.0)])
    np.testing.assert_allclose(distributions.bits_per_dim(log_prob, 48), [8.0])


def test_bins_only_change_the_scale():
    """Without bins the pixel scale is [0, 1): the same model, D log(bins) nats away."""
    x = np.random.default_rng(2).uniform(size=(3, 4))
    encode, _ = model("nice", (4,))
    encode_bins, _ = model("nice", (4,), bins=32)
    plain, with_bins = models.log_prob(*encode(x)), models.log_prob(*encode_bins(32 * x))
    np.testing.assert_allclose(plain - with_bins, 4 * math.log(32))


def test_nice_written_out():
    weights = random_weights.nice(np.random.default_rng(14), 4, couplings=2)
    x = draw((3, 4))
    a, b = x[:, [0, 2]], x[:, [1, 3]]
    b = b + networks.mlp(a, weights["couplings"][0])
    c, d = b[:, ::-1], a[:, ::-1]
    d = d + networks.mlp(c, weights["couplings"][1])
    z = np.hstack([d[:, ::-1], c[:, ::-1]]) * np.exp(weights["log_scale"])
    value, log_det = models.nice_encode(x, weights)
    np.testing.assert_allclose(value, z)
    np.testing.assert_allclose(log_det, weights["log_scale"].sum())


def test_glow_density_from_its_conditional_gaussians():
    """The noise form of the priors gives the density that the paper's form gives."""
    weights = random_weights.glow(np.random.default_rng(15), 1, depth=1)
    x = draw((3, 4, 4, 1))
    total, h = 0.0, x
    for level in weights["levels"]:
        h, _ = multi_scale.squeeze_encode(h)
        h, log_det = models.glow_step_encode(h, level["steps"][0])
        total = total + log_det
        if "prior" in level:
            channels = h.shape[-1] // 2
            h, out = h[..., :channels], h[..., channels:]
            y = networks.zero_conv(h, level["prior"])
            total = total + distributions.gaussian_log_prob(
                out, y[..., :channels], y[..., channels:]
            )
    channels = h.shape[-1]
    y = networks.zero_conv(np.zeros((3, 1, 1, 2 * channels)), weights["top"])
    total = total + distributions.gaussian_log_prob(h, y[..., :channels], y[..., channels:])
    np.testing.assert_allclose(models.log_prob(*models.glow_encode(x, weights)), total)


def test_zero_noise_is_the_mean_of_the_top_prior():
    weights = random_weights.glow(np.random.default_rng(16), 1, levels=1, depth=0)
    x, _ = models.glow_decode(np.zeros((1, 4)), weights, (2, 2, 1))
    z, _ = multi_scale.squeeze_encode(x)
    np.testing.assert_allclose(
        z, networks.zero_conv(np.zeros((1, 1, 1, 8)), weights["top"])[..., :4]
    )


def fresh_realnvp():
    """Weights with scale 0, t = 0 and no batch normalization: every coupling is the identity."""
    weights = random_weights.realnvp(np.random.default_rng(17), 1)
    for scale in weights:
        for coupling in [*scale["checkerboard"], *scale.get("channel", [])]:
            coupling.update(scale=0.0, bn=None)
            for name in ("magnitude", "bias"):
                coupling["network"]["conv_out"][name][:] = 0.0
    return weights


@pytest.mark.parametrize(
    ("kind", "index", "changed"),
    [
        ("checkerboard", 0, [[0, 1], [1, 0]]),
        ("checkerboard", 1, [[1, 0], [0, 1]]),
        ("checkerboard", 2, [[0, 1], [1, 0]]),
        ("channel", 0, [[0, 0], [1, 1]]),
        ("channel", 1, [[1, 1], [0, 0]]),
        ("channel", 2, [[0, 0], [1, 1]]),
    ],
)
def test_what_each_coupling_of_realnvp_changes(kind, index, changed):
    """Of every 2x2 block: a checkerboard, or the two first or last of its four pixels."""
    scale = fresh_realnvp()[0]
    scale[kind][index]["network"]["conv_out"]["bias"][:] = 1.0
    x = draw((1, 4, 4, 1))
    z, _ = realnvp.scale_encode(x, scale, is_last=False)
    moved = multi_scale.squeeze_decode(z, "diagonal")[0] != x
    np.testing.assert_array_equal(moved[0, :, :, 0], np.tile(changed, (2, 2)))


def test_fresh_realnvp_is_logit_and_a_permutation():
    weights = fresh_realnvp()
    x = np.random.default_rng(3).uniform(0, 16, (1, 4, 4, 1))
    z, log_det = realnvp.realnvp_encode(x, weights, bins=16)
    pixels = np.arange(16).reshape(4, 4)
    out = np.concatenate([pixels[[0, 0, 2, 2], [1, 3, 1, 3]], pixels[[1, 1, 3, 3], [0, 2, 0, 2]]])
    out = out.reshape(2, 4).T.ravel()
    kept = np.stack([pixels[[0, 0, 2, 2], [0, 2, 0, 2]], pixels[[1, 1, 3, 3], [1, 3, 1, 3]]], -1)
    p = 0.05 + 0.9 * x.ravel() / 16
    np.testing.assert_allclose(z[0], np.log(p / (1 - p))[np.concatenate([out, kept.ravel()])])
    np.testing.assert_allclose(log_det, [np.log(0.9 / 16 / p / (1 - p)).sum()])


def test_realnvp_training_uses_the_moments_of_the_batch():
    """A coupling in training is the one in evaluation with the batch's moments put in."""
    rng = np.random.default_rng(18)
    x = draw((5, 2, 2, 2))
    weights = random_weights.coupling(rng, 2, 2, 3, mask=True)
    z, log_det = realnvp.checkerboard_encode(x, weights, True, training=True)
    mask = np.array([[[1.0], [0.0]], [[0.0], [1.0]]])
    seen = []
    h = networks.resnet(x * mask, weights["network"], mask, training=True, seen=seen)
    s = weights["scale"] * np.tanh(h[..., 2:])
    y = np.where(mask == 1, x, (x + h[..., :2]) * np.exp(s))
    mean, variance = layers.batch_moments(y * (1 - mask))
    np.testing.assert_allclose(z, np.where(mask == 1, y, (y - mean) / np.sqrt(variance + 1e-4)))
    expected = distributions.per_example((1 - mask) * (s - 0.5 * np.log(variance + 1e-4)))
    np.testing.assert_allclose(log_det, expected)
    assert len(seen) == 4 and not np.allclose(seen[0][0], weights["network"]["bn_in"]["mean"])


def test_realnvp_channel_training_moments():
    """In training the changed half has mean 0 and variance 1 after a channel coupling."""
    x = draw((6, 2, 2, 4))
    weights = random_weights.coupling(np.random.default_rng(19), 2, 2, 3)
    for swap in (False, True):
        z, _ = realnvp.channel_encode(x, weights, swap, training=True)
        changed, kept = (z[..., :2], z[..., 2:]) if swap else (z[..., 2:], z[..., :2])
        np.testing.assert_array_equal(kept, x[..., 2:] if swap else x[..., :2])
        np.testing.assert_allclose(changed.mean(axis=(0, 1, 2)), 0.0, atol=1e-12)
        np.testing.assert_allclose(changed.std(axis=(0, 1, 2)), 1.0, atol=1e-2)


def test_realnvp_training_changes_every_coupling():
    weights = random_weights.realnvp(np.random.default_rng(20), 1)
    x = draw((3, 4, 4, 1))
    z, _ = realnvp.realnvp_encode(x, weights)
    trained, _ = realnvp.realnvp_encode(x, weights, training=True)
    assert (np.abs(trained - z) > 1e-6).all()
