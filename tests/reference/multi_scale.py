"""Squeezing and factoring out: RealNVP (arXiv 1605.08803, 3.6) and Glow (arXiv 1807.03039).

Images are [B, H, W, C]. Latents of several scales are listed finest first, flattened in C order.
"""

import numpy as np

from .couplings import halves
from .distributions import per_example

# Place of the pixel (row, column) of a 2x2 block in the ordered squeeze: the diagonal first.
DIAGONAL = ((0, 0), (1, 1), (0, 1), (1, 0))


def squeezed_channel(order, row, column, channel, channels):
    """Channel that takes pixel (row, column) of each 2x2 block of input channel `channel`."""
    if order == "interleaved":
        return 4 * channel + 2 * row + column
    if order == "diagonal":
        return DIAGONAL.index((row, column)) * channels + channel
    raise ValueError(f"Expected 'interleaved' or 'diagonal'. Received: order={order!r}")


def _pairs(order, height, width, channels):
    """All ((row, column, channel), (row, column, channel)) of the image and of its squeeze."""
    for row in range(height):
        for column in range(width):
            for channel in range(channels):
                to = squeezed_channel(order, row % 2, column % 2, channel, channels)
                yield (row, column, channel), (row // 2, column // 2, to)


def squeeze_encode(x, order="interleaved"):
    """[B, H, W, C] to [B, H/2, W/2, 4C]."""
    batch, height, width, channels = x.shape
    z = np.full((batch, height // 2, width // 2, 4 * channels), np.nan)
    for (i, j, k), (p, q, r) in _pairs(order, height, width, channels):
        z[:, p, q, r] = x[:, i, j, k]
    return z, np.zeros(batch)


def squeeze_decode(z, order="interleaved"):
    """[B, H/2, W/2, 4C] to [B, H, W, C]."""
    batch, height, width, channels = z.shape
    x = np.full((batch, 2 * height, 2 * width, channels // 4), np.nan)
    for (i, j, k), (p, q, r) in _pairs(order, 2 * height, 2 * width, channels // 4):
        x[:, i, j, k] = z[:, p, q, r]
    return x, np.zeros(batch)


def split_prior_encode(h, prior):
    """Factors out the second half of the channels as noise of a Gaussian given the first half.

    Args:
        h: [B, H, W, C].
        prior: function of the first half that returns [mean, log_sigma], [B, H, W, C], or None
            for the standard normal of RealNVP.

    Returns:
        (kept half, eps, log_det): eps = (second half - mean) / exp(log_sigma).
    """
    kept, out = halves(h)
    if prior is None:
        return kept, out, np.zeros(len(h))
    mean, log_sigma = halves(prior(kept))
    return kept, (out - mean) / np.exp(log_sigma), per_example(-log_sigma)


def split_prior_decode(kept, eps, prior):
    """(h, log_det): puts the half with noise `eps` back behind the half `kept`."""
    if prior is None:
        return np.concatenate([kept, eps], axis=-1), np.zeros(len(kept))
    mean, log_sigma = halves(prior(kept))
    out = mean + np.exp(log_sigma) * eps
    return np.concatenate([kept, out], axis=-1), per_example(log_sigma)


def multi_scale_encode(x, levels, priors=None):
    """(z [B, D], log_det): all levels, each but the last followed by factoring out half.

    Args:
        x: [B, H, W, C].
        levels: functions h -> (h, log_det), finest first.
        priors: None, or for each level but the last one a `prior` of `split_prior_encode`.
    """
    priors = priors or [None] * (len(levels) - 1)
    h, log_det, latents = x, np.zeros(len(x)), []
    for index, level in enumerate(levels):
        h, change = level(h)
        log_det = log_det + change
        if index < len(levels) - 1:
            h, eps, change = split_prior_encode(h, priors[index])
            log_det = log_det + change
            latents.append(eps)
    flat = [value.reshape(len(x), -1) for value in [*latents, h]]
    return np.concatenate(flat, axis=1), log_det


def multi_scale_decode(z, levels, shapes, priors=None):
    """The way back of `multi_scale_encode`.

    Args:
        z: [B, D].
        levels: functions h -> (h, log_det) from latent to data, finest first.
        shapes: for each level the [H, W, C] of its latent side, before anything is factored out.
        priors: as in `multi_scale_encode`.
    """
    priors = priors or [None] * (len(levels) - 1)
    pieces, start = [], 0
    for index, (height, width, channels) in enumerate(shapes):
        kept = channels if index == len(levels) - 1 else channels // 2
        stop = start + height * width * kept
        pieces.append(z[:, start:stop].reshape(len(z), height, width, kept))
        start = stop
    h, log_det = pieces[-1], np.zeros(len(z))
    for index in reversed(range(len(levels))):
        if index < len(levels) - 1:
            h, change = split_prior_decode(h, pieces[index], priors[index])
            log_det = log_det + change
        h, change = levels[index](h)
        log_det = log_det + change
    return h, log_det
