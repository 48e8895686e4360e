"""Whole models: NICE (arXiv 1410.8516), RealNVP (arXiv 1605.08803), Glow (arXiv 1807.03039).

`x` is on the pixel scale [0, bins), or continuous with bins None. A latent z is [B, D], and is
standard normal (or logistic, NICE only) noise: the split priors and the top prior of Glow are
part of the map. So sampling is `*_decode` of noise, with a temperature times that noise, and
`log_prob(encode(x)) = prior(z) + log_det` for all models alike.
"""

import functools
import math

import numpy as np

from . import couplings, distributions, layers, multi_scale, networks


def run(x, steps):
    """Applies functions h -> (h, log_det) one after the other and adds up their log-dets."""
    total = np.zeros(len(x))
    for step in steps:
        x, log_det = step(x)
        total = total + log_det
    return x, total


def log_prob(z, log_det, prior="normal"):
    """Density of x in nats, from the outcome of a model's encode."""
    return distributions.PRIORS[prior](z) + log_det


# NICE


def nice_encode(x, weights, bins=None, order="even_odd", data_range=(0.0, 1.0)):
    """(z, log_det) of NICE with additive couplings, each followed by a reversal.

    Data to latent: [0, bins) to `data_range` (with bins), flattened in an `order`; couplings that
    change the second half, a reversal after every one; z * exp(log_scale).

    Args:
        x: [B, ...].
        weights: {"couplings": [weights of `networks.mlp`, ...], "log_scale": [D]}.
        bins: number of gray values, None for continuous data.
        order: "rows" for C order, "even_odd" for its even indices and then its odd ones, or
            "channels" for one channel after the other.
        data_range: numbers that 0 and bins are mapped to.
    """
    flat = x.reshape(len(x), -1)
    if order == "channels":
        parts = [x[..., channel].reshape(len(x), -1) for channel in range(x.shape[-1])]
        flat = np.concatenate(parts, axis=1)
    steps = [functools.partial(layers.rescale_encode, **_nice_scale(bins, data_range))]
    if order == "even_odd":
        indices = layers.permutation_order("even_odd", flat.shape[1])
        steps.append(functools.partial(layers.permute_encode, order=indices))
    for mlp in weights["couplings"]:
        conditioner = functools.partial(networks.mlp, weights=mlp)
        steps.append(
            functools.partial(
                couplings.split_coupling_encode, conditioner=conditioner, law="additive"
            )
        )
        steps.append(lambda h: (h[:, ::-1], 0.0))
    steps.append(functools.partial(layers.diagonal_scale_encode, log_scale=weights["log_scale"]))
    return run(flat, steps)


def _nice_scale(bins, data_range):
    if bins is None:
        return {"scale": 1.0, "shift": 0.0}
    low, high = data_range
    return {"scale": (high - low) / bins, "shift": low}


def nice_decode(z, weights, event_shape, bins=None, order="even_odd", data_range=(0.0, 1.0)):
    """(x [B, *event_shape], log_det), the way back of `nice_encode`."""
    h, log_det = layers.diagonal_scale_decode(z, weights["log_scale"])
    for mlp in reversed(weights["couplings"]):
        conditioner = functools.partial(networks.mlp, weights=mlp)
        h, _ = couplings.split_coupling_decode(h[:, ::-1], conditioner, "additive")
    if order == "even_odd":
        h, _ = layers.permute_decode(h, layers.permutation_order("even_odd", z.shape[1]))
    h, change = layers.rescale_decode(h, **_nice_scale(bins, data_range))
    if order != "channels":
        return h.reshape(len(z), *event_shape), log_det + change
    *outer, channels = event_shape
    parts = [part.reshape(len(z), *outer) for part in np.split(h, channels, axis=1)]
    return np.stack(parts, axis=-1), log_det + change


# Glow


def _glow_matrix(weights):
    if "matrix" in weights:
        return weights["matrix"]
    names = ("permutation", "lower", "upper", "sign", "log_s")
    return layers.plu_matrix(*(weights[name] for name in names))


def glow_step_encode(h, weights, law="sigmoid"):
    """ActNorm, 1x1 convolution, coupling of the second half of the channels; see `glow_encode`."""
    act_norm = weights["act_norm"]
    h, first = layers.act_norm_encode(h, act_norm["shift"], act_norm["log_scale"])
    h, second = layers.conv1x1_encode(h, _glow_matrix(weights["conv"]))
    conditioner = functools.partial(networks.conv_net, weights=weights["network"])
    h, third = couplings.split_coupling_encode(h, conditioner, law)
    return h, first + second + third


def glow_step_decode(h, weights, law="sigmoid"):
    """The way back of `glow_step_encode`."""
    conditioner = functools.partial(networks.conv_net, weights=weights["network"])
    h, third = couplings.split_coupling_decode(h, conditioner, law)
    h, second = layers.conv1x1_decode(h, _glow_matrix(weights["conv"]))
    act_norm = weights["act_norm"]
    h, first = layers.act_norm_decode(h, act_norm["shift"], act_norm["log_scale"])
    return h, first + second + third


def _glow_top(shape, weights, labels=None):
    """(mean, log_sigma) of the last scale: the last layer of Glow applied to zeros, if any, plus
    for every channel the linear layer applied to the one-hot label, if any."""
    height, width, channels = shape
    h = np.zeros((1 if labels is None else len(labels), height, width, 2 * channels))
    if weights["top"] is not None:
        h = h + networks.zero_conv(h, weights["top"])
    if labels is not None:
        one_hot = np.eye(len(weights["classes"]["kernel"]))[labels]
        h = h + networks.zero_dense(one_hot, weights["classes"])[:, None, None, :]
    return couplings.halves(h)


def _glow_priors(weights):
    split_priors = [level["prior"] for level in weights["levels"][:-1]]
    return [functools.partial(networks.zero_conv, weights=prior) for prior in split_priors]


def glow_encode(x, weights, bins=None, law="sigmoid", labels=None):
    """(eps, log_det) of Glow.

    Data to latent: x / bins - 0.5 (with bins); for each level an interleaved squeeze and its
    steps, then (but for the last level) half of the channels is factored out with a learned
    Gaussian given the other half; the last half has a learned Gaussian of its own.

    Args:
        x: [B, H, W, C].
        weights: {"levels": [{"steps": [step, ...], "prior": `zero_conv` weights}, ...],
            "top": `zero_conv` weights with 1 + (number of input channels) = 2 C' + 1} where a step
            is {"act_norm": {"shift", "log_scale"}, "conv": {"permutation", "lower", "upper",
            "sign", "log_s"} or {"matrix"}, "network": `conv_net` weights}. The last level has no
            "prior". "top" None stands for a standard normal. Zero convolutions give
            [mean, log_sigma] in halves.
        bins: number of gray values, None for continuous data.
        law: coupling law, one of `couplings.LAWS`.
        labels: [B] integers for a class-conditional model, which has `zero_dense` weights
            "classes" with as many inputs as classes.
    """

    def encode_level(h, level):
        steps = [functools.partial(glow_step_encode, weights=w, law=law) for w in level["steps"]]
        return run(h, [multi_scale.squeeze_encode, *steps])

    h, log_det = x, np.zeros(len(x))
    if bins is not None:
        h, log_det = layers.rescale_encode(x, scale=1.0 / bins, shift=-0.5)
    levels = [functools.partial(encode_level, level=level) for level in weights["levels"]]
    z, change = multi_scale.multi_scale_encode(h, levels, _glow_priors(weights))
    last = _glow_shapes(x.shape[1:], len(levels))[-1]
    mean, log_sigma = _glow_top(last, weights, labels)
    eps = z.copy()
    top = eps[:, -math.prod(last) :].reshape(len(x), *last)
    eps[:, -math.prod(last) :] = ((top - mean) / np.exp(log_sigma)).reshape(len(x), -1)
    return eps, log_det + change - distributions.per_example(log_sigma)


def glow_decode(eps, weights, event_shape, bins=None, law="sigmoid", labels=None):
    """(x [B, *event_shape], log_det), the way back of `glow_encode`."""

    def decode_level(h, level):
        steps = [functools.partial(glow_step_decode, weights=w, law=law) for w in level["steps"]]
        return run(h, [*reversed(steps), multi_scale.squeeze_decode])

    shapes = _glow_shapes(event_shape, len(weights["levels"]))
    z, log_det = eps.copy(), np.zeros(len(eps))
    mean, log_sigma = _glow_top(shapes[-1], weights, labels)
    top = z[:, -math.prod(shapes[-1]) :].reshape(len(z), *shapes[-1])
    z[:, -math.prod(shapes[-1]) :] = (mean + np.exp(log_sigma) * top).reshape(len(z), -1)
    log_det = log_det + distributions.per_example(log_sigma)
    levels = [functools.partial(decode_level, level=level) for level in weights["levels"]]
    h, change = multi_scale.multi_scale_decode(z, levels, shapes, _glow_priors(weights))
    log_det = log_det + change
    if bins is not None:
        h, change = layers.rescale_decode(h, scale=1.0 / bins, shift=-0.5)
        log_det = log_det + change
    return h, log_det


def _glow_shapes(event_shape, levels):
    """Latent shape of each level before half of it is factored out."""
    height, width, channels = event_shape
    shapes = []
    for _ in range(levels):
        height, width, channels = height // 2, width // 2, channels * 4
        shapes.append((height, width, channels))
        channels //= 2
    return shapes
