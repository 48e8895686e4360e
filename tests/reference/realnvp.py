"""Whole multi-scale RealNVP (arXiv 1605.08803), in the layout of the authors' code.

`x` is [B, H, W, C] on the pixel scale [0, bins), or continuous with bins None. All latents are
standard normal.
"""

import functools

import numpy as np

from . import couplings, layers, multi_scale, networks


def _conditioner(weights, mask, training):
    return functools.partial(networks.resnet, weights=weights, mask=mask, training=training)


def checkerboard_encode(h, weights, keep_even, training=False):
    """Masked tanh coupling and the batch normalization of what it changed."""
    mask = couplings.checkerboard_mask(*h.shape[1:3], keep_even)
    conditioner = _conditioner(weights["network"], mask, training)
    h, log_det = couplings.masked_coupling_encode(h, conditioner, "tanh", mask, weights["scale"])
    if weights["bn"] is None:
        return h, log_det
    moments = weights["bn"]["mean"], weights["bn"]["variance"]
    if training:
        moments = layers.batch_moments(h, 1.0 - mask)
    h, change = layers.batch_norm_encode(h, *moments, changed=1.0 - mask)
    return h, log_det + change


def checkerboard_decode(h, weights, keep_even):
    """The way back of `checkerboard_encode`, with the moving moments."""
    mask = couplings.checkerboard_mask(*h.shape[1:3], keep_even)
    log_det = np.zeros(len(h))
    if weights["bn"] is not None:
        moments = weights["bn"]["mean"], weights["bn"]["variance"]
        h, log_det = layers.batch_norm_decode(h, *moments, changed=1.0 - mask)
    conditioner = _conditioner(weights["network"], mask, False)
    h, change = couplings.masked_coupling_decode(h, conditioner, "tanh", mask, weights["scale"])
    return h, log_det + change


def _channel_bn(step, h, moments, swap):
    """Normalizes the half of the channels that a coupling changed."""
    first, second = couplings.halves(h)
    if swap:
        first, log_det = step(first, *moments)
    else:
        second, log_det = step(second, *moments)
    return np.concatenate([first, second], axis=-1), log_det


def channel_encode(h, weights, swap, training=False):
    """Split tanh coupling and the batch normalization of the half that it changed."""
    conditioner = _conditioner(weights["network"], None, training)
    h, log_det = couplings.split_coupling_encode(h, conditioner, "tanh", swap, weights["scale"])
    if weights["bn"] is None:
        return h, log_det
    moments = weights["bn"]["mean"], weights["bn"]["variance"]
    if training:
        moments = layers.batch_moments(couplings.halves(h)[0 if swap else 1])
    h, change = _channel_bn(layers.batch_norm_encode, h, moments, swap)
    return h, log_det + change


def channel_decode(h, weights, swap):
    """The way back of `channel_encode`, with the moving moments."""
    log_det = np.zeros(len(h))
    if weights["bn"] is not None:
        moments = weights["bn"]["mean"], weights["bn"]["variance"]
        h, log_det = _channel_bn(layers.batch_norm_decode, h, moments, swap)
    conditioner = _conditioner(weights["network"], None, False)
    h, change = couplings.split_coupling_decode(h, conditioner, "tanh", swap, weights["scale"])
    return h, log_det + change


def scale_encode(h, weights, is_last, training=False):
    """One scale: 3 checkerboard couplings, then 3 on channels, or a 4th checkerboard in the last.

    Every scale but the last one ends with the ordered squeeze.
    """
    log_det = np.zeros(len(h))
    for index, coupling in enumerate(weights["checkerboard"]):
        h, change = checkerboard_encode(h, coupling, index % 2 == 0, training)
        log_det = log_det + change
    if is_last:
        return h, log_det
    h, _ = multi_scale.squeeze_encode(h, "interleaved")
    for coupling, swap in zip(weights["channel"], (False, True, False), strict=True):
        h, change = channel_encode(h, coupling, swap, training)
        log_det = log_det + change
    h, _ = multi_scale.squeeze_decode(h, "interleaved")
    h, _ = multi_scale.squeeze_encode(h, "diagonal")
    return h, log_det


def scale_decode(h, weights, is_last):
    """The way back of `scale_encode`."""
    log_det = np.zeros(len(h))
    if not is_last:
        h, _ = multi_scale.squeeze_decode(h, "diagonal")
        h, _ = multi_scale.squeeze_encode(h, "interleaved")
        for coupling, swap in zip(weights["channel"][::-1], (False, True, False), strict=True):
            h, change = channel_decode(h, coupling, swap)
            log_det = log_det + change
        h, _ = multi_scale.squeeze_decode(h, "interleaved")
    for index in reversed(range(len(weights["checkerboard"]))):
        h, change = checkerboard_decode(h, weights["checkerboard"][index], index % 2 == 0)
        log_det = log_det + change
    return h, log_det


def realnvp_encode(x, weights, bins=None, alpha=0.05, training=False):
    """(z [B, D], log_det) of RealNVP.

    Data to latent: logit(alpha + (1 - 2 alpha) x / bins) (with bins); for each scale its
    couplings; after every scale but the last one, the second half of the channels of the ordered
    squeeze is factored out.

    Args:
        x: [B, H, W, C].
        weights: [scale, ...], finest first. A scale is {"checkerboard": [coupling, ...] (3, in the
            last scale 4), "channel": [coupling, ...] (3, not in the last scale)}. A coupling is
            {"network": `networks.resnet` weights, "scale": number of the tanh law,
            "bn": {"mean", "variance"} or None}. The "bn" of a channel coupling has as many
            channels as the half that it changes.
        bins: number of gray values, None for continuous data (no logit).
        alpha: how far the logit stays away from 0 and 1.
        training: whether all batch normalization uses the moments of the batch.
    """
    h, log_det = x, np.zeros(len(x))
    if bins is not None:
        h, log_det = layers.rescale_encode(x, scale=1.0 / bins)
        h, change = layers.logit_encode(h, alpha)
        log_det = log_det + change
    levels = [
        functools.partial(
            scale_encode, weights=scale, is_last=index == len(weights) - 1, training=training
        )
        for index, scale in enumerate(weights)
    ]
    z, change = multi_scale.multi_scale_encode(h, levels)
    return z, log_det + change


def realnvp_decode(z, weights, event_shape, bins=None, alpha=0.05):
    """(x [B, *event_shape], log_det), the way back of `realnvp_encode` in evaluation mode."""
    height, width, channels = event_shape
    shapes = []
    for _ in weights[:-1]:
        height, width = height // 2, width // 2
        shapes.append((height, width, 4 * channels))
        channels *= 2
    shapes.append((height, width, channels))
    levels = [
        functools.partial(scale_decode, weights=scale, is_last=index == len(weights) - 1)
        for index, scale in enumerate(weights)
    ]
    h, log_det = multi_scale.multi_scale_decode(z, levels, shapes)
    if bins is not None:
        h, change = layers.logit_decode(h, alpha)
        log_det = log_det + change
        h, change = layers.rescale_decode(h, scale=1.0 / bins)
        log_det = log_det + change
    return h, log_det
