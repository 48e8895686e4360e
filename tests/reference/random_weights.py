"""Random weights of the small models: a picture of the structure that `models` reads."""

import numpy as np


def normal(rng, *shape, scale=0.3):
    return scale * rng.standard_normal(shape)


def positive(rng, *shape):
    return rng.uniform(0.5, 1.5, shape)


def mlp(rng, sizes):
    """Dense layers from sizes[0] inputs to sizes[-1] outputs."""
    return [
        {"kernel": normal(rng, a, b, scale=0.5), "bias": normal(rng, b)}
        for a, b in zip(sizes[:-1], sizes[1:], strict=True)
    ]


def nice(rng, size, hidden=(8, 8), couplings=4):
    """Weights of `models.nice_encode` for `size` dimensions (even)."""
    sizes = (size // 2, *hidden, size // 2)
    return {
        "couplings": [mlp(rng, sizes) for _ in range(couplings)],
        "log_scale": normal(rng, size),
    }


def zero_conv(rng, channels, units):
    """Weights of `networks.zero_conv`, not zero."""
    return {
        "kernel": normal(rng, 3, 3, channels + 1, units, scale=0.2),
        "bias": normal(rng, units),
        "logs": normal(rng, units, scale=0.1),
    }


def _conv_norm(rng, size, channels, width):
    return {
        "kernel": normal(rng, size, size, channels, width),
        "shift": normal(rng, width),
        "log_scale": normal(rng, width, scale=0.1),
    }


def conv_net(rng, channels, width, units):
    """Weights of `networks.conv_net`."""
    return {
        "conv_1": _conv_norm(rng, 3, channels + 1, width),
        "conv_2": _conv_norm(rng, 1, width, width),
        "last": zero_conv(rng, width, units),
    }


def plu(rng, channels):
    """Factors of `layers.plu_matrix`; the unused triangles are not zero on purpose."""
    return {
        "permutation": np.eye(channels)[rng.permutation(channels)],
        "lower": normal(rng, channels, channels),
        "upper": normal(rng, channels, channels),
        "sign": rng.choice([-1.0, 1.0], channels),
        "log_s": normal(rng, channels),
    }


def glow_step(rng, channels, width, *, full=False):
    """One step of `models.glow_encode` with a shift-and-scale coupling."""
    rotation = np.linalg.qr(rng.standard_normal((channels, channels)))[0]
    matrix = rotation + normal(rng, channels, channels, scale=0.1)
    return {
        "act_norm": {"shift": normal(rng, channels), "log_scale": normal(rng, channels, scale=0.1)},
        "conv": {"matrix": matrix} if full else plu(rng, channels),
        "network": conv_net(rng, channels // 2, width, channels),
    }


def glow(rng, channels, levels=2, depth=2, width=6, *, full=False):
    """Weights of `models.glow_encode` for images with `channels` channels."""
    result = []
    for index in range(levels):
        channels *= 4
        steps = [glow_step(rng, channels, width, full=full) for _ in range(depth)]
        result.append({"steps": steps})
        if index < levels - 1:
            channels //= 2
            result[-1]["prior"] = zero_conv(rng, channels, 2 * channels)
    return {"levels": result, "top": zero_conv(rng, 2 * channels, 2 * channels)}


def normalized_conv(rng, size, channels, units, *, magnitude=True, bias=True):
    """Weights of `networks.normalized_conv`."""
    weights = {"v": normal(rng, size, size, channels, units, scale=1.0)}
    if magnitude:
        weights["magnitude"] = positive(rng, units)
    if bias:
        weights["bias"] = normal(rng, units)
    return weights


def batch_norm(rng, channels):
    """Weights of `networks.batch_norm`."""
    moments = {"mean": normal(rng, channels), "variance": positive(rng, channels)}
    return {**moments, "beta": normal(rng, channels)}


def _block(rng, width):
    return {
        "bn_1": batch_norm(rng, width),
        "conv_1": normalized_conv(rng, 3, width, width, magnitude=False, bias=False),
        "bn_2": batch_norm(rng, width),
        "conv_2": normalized_conv(rng, 3, width, width),
        "skip": normalized_conv(rng, 1, width, width),
    }


def resnet(rng, channels, width, units, blocks=1, *, mask=False):
    """Weights of `networks.resnet`."""
    return {
        "bn_in": batch_norm(rng, channels),
        "conv_in": normalized_conv(rng, 3, 2 * channels + mask, width, magnitude=False),
        "skip_in": normalized_conv(rng, 1, width, width),
        "blocks": [_block(rng, width) for _ in range(blocks)],
        "bn_out": batch_norm(rng, width),
        "conv_out": normalized_conv(rng, 1, width, units),
    }


def coupling(rng, channels, changed, width, blocks=1, *, mask=False):
    """A coupling of `realnvp.realnvp_encode` that sees `channels` and changes `changed`."""
    return {
        "network": resnet(rng, channels, width, 2 * changed, blocks, mask=mask),
        "scale": rng.uniform(0.5, 1.0),
        "bn": {"mean": normal(rng, changed), "variance": positive(rng, changed)},
    }


def realnvp(rng, channels, scales=2, width=4, blocks=1):
    """Weights of `realnvp.realnvp_encode` for images with `channels` channels."""
    result = []
    for index in range(scales):
        is_last = index == scales - 1
        checkerboard = [
            coupling(rng, channels, channels, width, blocks, mask=True)
            for _ in range(4 if is_last else 3)
        ]
        result.append({"checkerboard": checkerboard})
        if not is_last:
            channels, width = 2 * channels, 2 * width
            result[-1]["channel"] = [
                coupling(rng, channels, channels, width, blocks) for _ in range(3)
            ]
    return result
