"""Variational dequantization (Flow++, arXiv 1902.00275) by affine couplings of logits.

Images are [B, H, W, C], vectors [B, D] with D even.
"""

import functools

import numpy as np

from . import couplings, layers, networks


def _mix(value):
    """The finalizer of MurmurHash3 on 32 bits, on an integer of any size."""
    value %= 2**32
    value = (value ^ (value >> 16)) * 0x85EBCA6B % 2**32
    value = (value ^ (value >> 13)) * 0xC2B2AE35 % 2**32
    return value ^ (value >> 16)


def uniform_noise(x, seed, bits=23):
    """Noise on (0, 1) for each element of integers, one example after the other."""
    noise = np.zeros(x.shape)
    for index, example in enumerate(x):
        salts = [_mix(i * 0x9E3779B1 + _mix(seed + 0x2545F491)) for i in range(1, example.size + 1)]
        pairs = zip(example.ravel().tolist(), salts, strict=True)
        key = _mix(sum((value + 1) * salt for value, salt in pairs))
        numbers = [_mix(key + salt) >> (32 - bits) for salt in salts]
        noise[index] = np.reshape([(n + 0.5) / 2**bits for n in numbers], example.shape)
    return noise


def transform(v, x, weights, bins):
    """(u, log|det du/dv|) of the conditional flow from uniform noise v to u, both in (0, 1).

    u = sigmoid(l), where l is logit(v) after the couplings, the last of the list first. Each keeps
    the even pixels or, every second of the list, the odd ones (vectors: the first half or the
    second), and moves the others by l = l / exp(scale tanh(r)) - t, (t, r) from a network of the
    kept ones and the context, which is a network of 2 (x + 1/2) / bins - 1.

    Args:
        weights: {"context": weights of `networks.resnet` (vectors: `networks.mlp`),
            "couplings": [{"network": likewise, "scale": float}, ...]}.
    """
    context = _network(2.0 * (x + 0.5) / bins - 1.0, weights["context"])
    logits, log_det = layers.logit_encode(v, alpha=0.0)
    for index, coupling in reversed(list(enumerate(weights["couplings"]))):
        logits, change = _moved(logits, index % 2 == 1, context, coupling)
        log_det = log_det + change
    u, change = layers.logit_decode(logits, alpha=0.0)
    return u, log_det + change


def dequantize(x, seed, weights, bins):
    """(x + u, log q(u | x)) for integers."""
    u, log_det = transform(uniform_noise(x, seed), x, weights, bins)
    return x + u, -log_det


def _moved(logits, odd, context, coupling):
    if logits.ndim == 2:
        conditioner = functools.partial(_network, weights=coupling["network"], context=context)
        return couplings.split_coupling_decode(
            logits, conditioner, "tanh", swap=odd, scale=coupling["scale"]
        )
    mask = couplings.checkerboard_mask(*logits.shape[1:3], keep_even=not odd)
    conditioner = functools.partial(
        _network, weights=coupling["network"], context=context, mask=mask
    )
    return couplings.masked_coupling_decode(
        logits, conditioner, "tanh", mask, scale=coupling["scale"]
    )


def _network(h, weights, context=None, mask=None):
    h = networks.with_condition(h, context)
    if h.ndim == 2:
        return networks.mlp(h, weights)
    return networks.resnet(h, weights, mask, input_scale=1.0)
