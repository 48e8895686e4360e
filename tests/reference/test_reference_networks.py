"""The reference networks checked against formulas written another way."""

import numpy as np
import pytest

from . import networks, random_weights


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_mlp_by_hand():
    weights = [
        {"kernel": np.array([[1.0, -1.0]]), "bias": np.array([0.0, 1.0])},
        {"kernel": np.array([[2.0], [3.0]]), "bias": np.array([-10.0])},
    ]
    x = np.array([[2.0], [-2.0]])
    np.testing.assert_array_equal(networks.mlp(x, weights), [[2 * 2 - 10], [3 * 3 - 10]])


@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (2, 1, 1, 3), (2, 1, 2, 3)])
@pytest.mark.parametrize("edge_bias", [False, True])
def test_conv2d_is_a_sum_of_shifted_images(shape, edge_bias):
    x = draw(shape)
    kernel = draw((3, 3, 3 + edge_bias, 2), 1)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    if edge_bias:
        edge = np.pad(
            np.zeros((*shape[:3], 1)), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=1
        )
        padded = np.concatenate([padded, edge], axis=-1)
    expected = 0.0
    for r in range(3):
        for c in range(3):
            window = padded[:, r : r + shape[1], c : c + shape[2]]
            expected = expected + np.einsum("bhwi,io->bhwo", window, kernel[r, c])
    np.testing.assert_allclose(networks.conv2d(x, kernel, edge_bias), expected)


def test_conv2d_is_not_flipped():
    x = np.zeros((1, 3, 3, 1))
    x[0, 0, 1, 0] = 1.0
    kernel = np.arange(9.0).reshape(3, 3, 1, 1)
    assert networks.conv2d(x, kernel)[0, 1, 1, 0] == 1.0


def test_edge_bias_tells_the_border_from_the_inside():
    kernel = np.zeros((3, 3, 2, 1))
    kernel[:, :, 1] = 1.0
    y = networks.conv2d(np.zeros((1, 3, 4, 1)), kernel, edge_bias=True)[0, :, :, 0]
    np.testing.assert_array_equal(y, [[5, 3, 3, 5], [3, 0, 0, 3], [5, 3, 3, 5]])


def test_normalized_conv_ignores_the_length_of_v():
    x = draw((2, 3, 3, 2))
    weights = random_weights.normalized_conv(np.random.default_rng(3), 3, 2, 4)
    lengths = np.array([0.1, 1.0, 2.0, 30.0])
    longer = {**weights, "v": weights["v"] * lengths}
    y = networks.normalized_conv(x, weights)
    np.testing.assert_allclose(networks.normalized_conv(x, longer), y)
    kernel = weights["v"] / np.linalg.norm(weights["v"].reshape(-1, 4), axis=0)
    expected = networks.conv2d(x, kernel) * weights["magnitude"] + weights["bias"]
    np.testing.assert_allclose(y, expected)


def test_batch_norm_modes():
    x = draw((4, 2, 3, 2)) * 2.0 + 1.0
    weights = random_weights.batch_norm(np.random.default_rng(4), 2)
    seen = []
    y = networks.batch_norm(x, weights, training=True, seen=seen)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), weights["beta"])
    np.testing.assert_allclose(seen[0][0], x.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(seen[0][1], x.var(axis=(0, 1, 2)))
    frozen = {"mean": seen[0][0], "variance": seen[0][1], "beta": weights["beta"]}
    np.testing.assert_allclose(networks.batch_norm(x, frozen), y)
    y = networks.batch_norm(x, weights)
    np.testing.assert_allclose(
        (y - weights["beta"]) * np.sqrt(weights["variance"] + 1e-4) + weights["mean"], x
    )


def set_zero(layer):
    layer["magnitude"][:] = 0.0
    layer["bias"][:] = 0.0


def test_resnet_adds_up_its_skip_connections():
    rng = np.random.default_rng(5)
    x = draw((3, 2, 2, 2))
    weights = random_weights.resnet(rng, 2, 4, 6, blocks=2)
    whole = networks.resnet(x, weights)
    for block in weights["blocks"]:
        set_zero(block["conv_2"])
    once = networks.resnet(x, weights)
    assert np.abs(whole - once).max() > 1e-3
    # Blocks that add nothing leave three 1x1 convolutions of the same h: one with their sum.
    kernels = [weights["skip_in"], *(block["skip"] for block in weights["blocks"])]
    kernel = sum(k["v"] / np.sqrt((k["v"] ** 2).sum((0, 1, 2))) * k["magnitude"] for k in kernels)
    length = np.sqrt((kernel**2).sum((0, 1, 2)))
    single = {"v": kernel, "magnitude": length, "bias": sum(k["bias"] for k in kernels)}
    merged = {**weights, "blocks": [], "skip_in": single}
    np.testing.assert_allclose(networks.resnet(x, merged), once)


def test_resnet_block_by_hand():
    """A block of 1x1 images, where a 3x3 convolution is its middle."""
    x = draw((3, 1, 1, 2))
    weights = random_weights.resnet(np.random.default_rng(10), 2, 3, 2)
    block, seen = weights["blocks"][0], []
    networks.resnet(x, weights, training=True, seen=seen)
    n = networks.batch_norm(x, weights["bn_in"])
    h = np.concatenate([np.maximum(n, 0), np.maximum(-n, 0)], axis=-1)
    h = networks.normalized_conv(h, weights["conv_in"])
    g = np.maximum(networks.batch_norm(h, block["bn_1"]), 0)
    v = block["conv_1"]["v"]
    g = g @ (v[1, 1] / np.sqrt((v**2).sum(axis=(0, 1, 2))))
    g = np.maximum(networks.batch_norm(g, block["bn_2"]), 0)
    h2 = h + networks.normalized_conv(g, block["conv_2"])
    skip = networks.normalized_conv(h, weights["skip_in"])
    skip = skip + networks.normalized_conv(h2, block["skip"])
    expected = np.maximum(networks.batch_norm(skip, weights["bn_out"]), 0)
    expected = networks.normalized_conv(expected, weights["conv_out"])
    np.testing.assert_allclose(networks.resnet(x, weights), expected)
    assert len(seen) == 4


@pytest.mark.parametrize("training", [False, True])
def test_resnet_without_blocks_by_hand(training):
    rng = np.random.default_rng(6)
    x = draw((3, 2, 2, 1))
    mask = np.array([[[1.0], [0.0]], [[0.0], [1.0]]])
    weights = random_weights.resnet(rng, 1, 2, 2, blocks=0, mask=True)
    seen = []
    y = networks.resnet(x, weights, mask, training=training, seen=seen)
    bn = weights["bn_in"]
    mean, variance = (x.mean(), x.var()) if training else (bn["mean"], bn["variance"])
    n = 2.0 * ((x - mean) / np.sqrt(variance + 1e-4) + bn["beta"])
    tiled = np.tile(mask, (3, 1, 1, 1))
    h = np.concatenate([np.maximum(n, 0), np.maximum(-n, 0), tiled], axis=-1)
    h = networks.normalized_conv(
        networks.normalized_conv(h, weights["conv_in"]), weights["skip_in"]
    )
    h = np.maximum(networks.batch_norm(h, weights["bn_out"], training), 0)
    np.testing.assert_allclose(networks.normalized_conv(h, weights["conv_out"]), y)
    assert len(seen) == (2 if training else 0)


def test_resnet_scales_its_input_by_two_with_a_mask_only():
    rng = np.random.default_rng(7)
    x, mask = draw((2, 2, 2, 1)), np.ones((2, 2, 1))
    plain = random_weights.resnet(rng, 1, 2, 2)
    masked = random_weights.resnet(rng, 1, 2, 2, mask=True)
    np.testing.assert_array_equal(
        networks.resnet(x, plain), networks.resnet(x, plain, input_scale=1.0)
    )
    np.testing.assert_array_equal(
        networks.resnet(x, masked, mask), networks.resnet(x, masked, mask, input_scale=2.0)
    )


def test_zero_conv():
    weights = random_weights.zero_conv(np.random.default_rng(8), 2, 3)
    x = draw((2, 3, 3, 2))
    y = networks.zero_conv(x, weights)
    more = networks.zero_conv(x, {**weights, "logs": weights["logs"] + np.log(2.0)})
    np.testing.assert_allclose(more, 8.0 * y)
    inside = np.einsum("hwi,hwio->o", x[0], weights["kernel"][:, :, :2]) + weights["bias"]
    np.testing.assert_allclose(y[0, 1, 1], inside * np.exp(3.0 * weights["logs"]))


def test_conv_net_by_hand_on_one_pixel():
    weights = random_weights.conv_net(np.random.default_rng(9), 2, 3, 4)
    x = draw((1, 1, 1, 2))

    def on_one_pixel(value, kernel):
        """Eight of the nine places of a 3x3 kernel lie outside of the image."""
        outside = kernel[:, :, -1].sum(axis=(0, 1)) - kernel[1, 1, -1]
        return value @ kernel[1, 1, :-1] + outside

    first, second, last = weights["conv_1"], weights["conv_2"], weights["last"]
    h = (on_one_pixel(x, first["kernel"]) + first["shift"]) * np.exp(3 * first["log_scale"])
    h = np.maximum(h, 0) @ second["kernel"][0, 0]
    h = np.maximum((h + second["shift"]) * np.exp(3 * second["log_scale"]), 0)
    expected = (on_one_pixel(h, last["kernel"]) + last["bias"]) * np.exp(3 * last["logs"])
    np.testing.assert_allclose(networks.conv_net(x, weights), expected)
