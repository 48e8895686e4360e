"""Conditioners of NICE, RealNVP and Glow (arXiv 1410.8516, 1605.08803, 1807.03039), weights given.

Weights are nested dicts and lists of arrays; each docstring says which. Kernels are
[height, width, in, out], stride is 1 and padding "SAME".
"""

import numpy as np

from .layers import batch_moments


def relu(x):
    return np.where(x > 0.0, x, 0.0)


def with_condition(x, condition=None):
    """`x` with a condition [B, k] (repeated on every pixel) or [B, H, W, k] as last channels."""
    if condition is None:
        return x
    if condition.ndim < x.ndim:
        condition = np.stack([np.broadcast_to(c, (*x.shape[1:-1], len(c))) for c in condition])
    return np.concatenate([x, condition], axis=-1)


def mlp(x, weights):
    """Dense layers, ReLU between them, linear output. weights: [{"kernel", "bias"}, ...]."""
    for index, layer in enumerate(weights):
        x = (relu(x) if index else x) @ layer["kernel"] + layer["bias"]
    return x


def conv2d(x, kernel, edge_bias=False):
    """Cross-correlation with zeros outside of the image, as large as the image.

    With `edge_bias` a last input channel is added that is 0 on the image and 1 outside of it.
    """
    batch, height, width, channels = x.shape
    rows, columns, _, units = kernel.shape
    top, left = (rows - 1) // 2, (columns - 1) // 2
    outside = np.zeros(channels)
    if edge_bias:
        x = np.concatenate([x, np.zeros((batch, height, width, 1))], axis=-1)
        outside = np.append(outside, 1.0)
    y = np.zeros((batch, height, width, units))
    for i in range(height):
        for j in range(width):
            for r in range(rows):
                for c in range(columns):
                    p, q = i + r - top, j + c - left
                    inside = 0 <= p < height and 0 <= q < width
                    y[:, i, j] += (x[:, p, q] if inside else outside) @ kernel[r, c]
    return y


def normalized_conv(x, weights):
    """Weight-normalized convolution: kernel v / |v| with the norm of each output channel.

    weights: {"v", "magnitude" [out] (optional, 1), "bias" [out] (optional, 0)}.
    """
    v = weights["v"]
    kernel = np.zeros(v.shape)
    for unit in range(v.shape[-1]):
        kernel[..., unit] = v[..., unit] / np.sqrt(np.sum(v[..., unit] ** 2))
    return conv2d(x, kernel * weights.get("magnitude", 1.0)) + weights.get("bias", 0.0)


def batch_norm(x, weights, training=False, seen=None, epsilon=1e-4):
    """(x - mean) / sqrt(variance + epsilon) + beta for each channel.

    weights: {"mean", "variance", "beta"}, all [C]. In training the moments of the batch take the
    place of "mean" and "variance"; a list `seen` then collects them as (mean, variance).
    """
    mean, variance = weights["mean"], weights["variance"]
    if training:
        mean, variance = batch_moments(x)
        if seen is not None:
            seen.append((mean, variance))
    return (x - mean) / np.sqrt(variance + epsilon) + weights["beta"]


def resnet(x, weights, mask=None, input_scale=None, training=False, seen=None):
    """RealNVP's residual network.

    With n = batch_norm and w = normalized_conv:
        h = relu([input_scale * n_in(x), -input_scale * n_in(x), mask])
        h = w_in(h); s = w_skip_in(h)
        for each block: h = h + w_2(relu(n_2(w_1(relu(n_1(h)))))); s = s + w_skip(h)
        output = w_out(relu(n_out(s)))

    Args:
        x: [B, H, W, C]; a masked coupling hands over x * mask.
        weights: {"bn_in", "conv_in" (3x3), "skip_in" (1x1),
            "blocks": [{"bn_1", "conv_1" (3x3), "bn_2", "conv_2" (3x3), "skip" (1x1)}, ...],
            "bn_out", "conv_out" (1x1)}; "bn" as in `batch_norm`, others as in `normalized_conv`.
        mask: [H, W, 1], an additional input channel, or None.
        input_scale: by default 2 with a mask and 1 without, as in the authors' code.
        training: whether batch normalization uses the moments of the batch.
        seen: list that collects these moments in the order bn_in, bn_1, bn_2, ..., bn_out.
    """
    if input_scale is None:
        input_scale = 1.0 if mask is None else 2.0
    x = input_scale * batch_norm(x, weights["bn_in"], training, seen)
    channels = [x, -x]
    if mask is not None:
        channels.append(np.stack([mask] * len(x)))
    h = normalized_conv(relu(np.concatenate(channels, axis=-1)), weights["conv_in"])
    skip = normalized_conv(h, weights["skip_in"])
    for block in weights["blocks"]:
        g = relu(batch_norm(h, block["bn_1"], training, seen))
        g = normalized_conv(g, block["conv_1"])
        g = relu(batch_norm(g, block["bn_2"], training, seen))
        h = h + normalized_conv(g, block["conv_2"])
        skip = skip + normalized_conv(h, block["skip"])
    h = relu(batch_norm(skip, weights["bn_out"], training, seen))
    return normalized_conv(h, weights["conv_out"])


def zero_conv(x, weights):
    """Glow's last layer: (conv(x) + bias) * exp(3 logs), with the edge-bias channel.

    weights: {"kernel" [3, 3, C + 1, out], "bias" [out], "logs" [out]}; the last of the C + 1
    input channels is the edge channel.
    """
    y = conv2d(x, weights["kernel"], edge_bias=True) + weights["bias"]
    return y * np.exp(3.0 * weights["logs"])


def zero_dense(x, weights):
    """Glow's linear layer: (x kernel + bias) * exp(3 logs) on the last axis.

    weights: {"kernel" [in, out], "bias" [out], "logs" [out]}.
    """
    return (x @ weights["kernel"] + weights["bias"]) * np.exp(3.0 * weights["logs"])


def conv_net(x, weights, factor=3.0):
    """Glow's network: 3x3, 1x1, 3x3; ActNorm and ReLU after the first two.

    weights: {"conv_1": {"kernel" [3, 3, C + 1, width], "shift" [width], "log_scale" [width]},
        "conv_2": {"kernel" [1, 1, width, width], "shift", "log_scale"}, "last": see `zero_conv`}.
    """
    for name, edge_bias in (("conv_1", True), ("conv_2", False)):
        layer = weights[name]
        x = conv2d(x, layer["kernel"], edge_bias) + layer["shift"]
        x = relu(x * np.exp(factor * layer["log_scale"]))
    return zero_conv(x, weights["last"])
