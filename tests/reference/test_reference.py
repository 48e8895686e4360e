"""The reference checked with NumPy alone: layers, squeezes and networks."""

import functools

import numpy as np
import pytest

from . import couplings, distributions, layers, multi_scale, networks, random_weights
from .numerics import check_bijection

IMAGE = (3, 2, 4, 4)
VECTOR = (3, 6)


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def conditioner(units, law, seed=1):
    """A random function of the last axis with as many outputs as `law` needs."""
    outputs = units if law == "additive" else 2 * units

    def call(kept):
        kernel = draw((kept.shape[-1], outputs), seed)
        return np.tanh(kept @ kernel) + np.arange(1, outputs + 1) / outputs

    return call


@pytest.mark.parametrize("law", couplings.LAWS)
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("shape", [VECTOR, IMAGE])
def test_split_coupling(law, swap, shape):
    x = draw(shape)
    half = shape[-1] // 2
    args = {"conditioner": conditioner(half, law), "law": law, "swap": swap, "scale": 0.7}
    encode = functools.partial(couplings.split_coupling_encode, **args)
    check_bijection(encode, functools.partial(couplings.split_coupling_decode, **args), x)
    same = encode(x)[0] == x
    kept = slice(half, None) if swap else slice(half)
    changed = slice(half) if swap else slice(half, None)
    assert same[..., kept].all() and not same[..., changed].any()


@pytest.mark.parametrize("law", couplings.LAWS)
@pytest.mark.parametrize("mask", ["checkerboard", "channel"])
def test_masked_coupling(law, mask):
    x = draw(IMAGE)
    mask = (
        couplings.checkerboard_mask(2, 4) if mask == "checkerboard" else couplings.channel_mask(4)
    )
    args = {"conditioner": conditioner(4, law), "law": law, "mask": mask, "scale": 0.7}
    encode = functools.partial(couplings.masked_coupling_encode, **args)
    check_bijection(encode, functools.partial(couplings.masked_coupling_decode, **args), x)
    np.testing.assert_array_equal(encode(x)[0] == x, np.broadcast_to(mask == 1, x.shape))


def test_laws_at_hand_worked_numbers():
    x, h = np.array([[3.0]]), np.array([[1.0, -2.0]])
    expected = {
        "exp": 4 * np.exp(-2),
        "sigmoid": 4 * 0.5,
        "tanh": 4 * np.exp(0.5 * np.tanh(-2)),
        "bounded": 4 * 2 / (1 + np.exp(2)),
        "gaussian": 2 * np.exp(2),
    }
    for law, value in expected.items():
        np.testing.assert_allclose(couplings.law_encode(law, x, h, 0.5)[0], [[value]])
    assert couplings.law_encode("additive", x, np.array([[1.0]]))[0] == 4.0


def test_masks():
    board = couplings.checkerboard_mask(2, 3)[..., 0]
    np.testing.assert_array_equal(board, [[1, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(couplings.checkerboard_mask(2, 3, False)[..., 0], 1 - board)
    np.testing.assert_array_equal(couplings.channel_mask(4), [1, 1, 0, 0])
    np.testing.assert_array_equal(couplings.channel_mask(4, False), [0, 0, 1, 1])


def layer_cases():
    rng = np.random.default_rng(2)
    board = couplings.checkerboard_mask(2, 4)
    matrix = layers.plu_matrix(**random_weights.plu(rng, 4))
    moments = {"mean": draw(4, 3), "variance": np.array([0.5, 1.0, 2.0, 3.0])}
    order = [2, 0, 3, 1]
    scale = {"scale": np.array([1.0, -2.0, 0.3, 0.1]), "shift": 0.5}
    return {
        "act_norm": {"shift": draw(4, 4), "log_scale": 0.2 * draw(4, 5)},
        "batch_norm": {**moments, "changed": 1 - board},
        "conv1x1": {"matrix": matrix},
        "permute": {"order": order},
        "diagonal_scale": {"log_scale": draw((2, 4, 4), 6)},
        "rescale": scale,
        "logit": {},
    }


@pytest.mark.parametrize("name", layer_cases())
def test_layer(name):
    args = layer_cases()[name]
    x = draw(IMAGE) if name != "logit" else np.random.default_rng(0).uniform(size=IMAGE)
    encode = functools.partial(getattr(layers, f"{name}_encode"), **args)
    check_bijection(encode, functools.partial(getattr(layers, f"{name}_decode"), **args), x)


def test_layers_of_vectors():
    x = draw((3, 4))
    for name in ("act_norm", "conv1x1", "permute"):
        args = layer_cases()[name]
        encode = functools.partial(getattr(layers, f"{name}_encode"), **args)
        check_bijection(encode, functools.partial(getattr(layers, f"{name}_decode"), **args), x)


@pytest.mark.parametrize("shape", [(50, 4), (9, 3, 2, 4)])
def test_act_norm_initialization_normalizes_the_batch(shape):
    x = 3.0 * draw(shape) + np.arange(4)
    z, _ = layers.act_norm_encode(x, *layers.act_norm_initialize(x))
    rows = z.reshape(-1, 4)
    np.testing.assert_allclose(rows.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(rows.std(axis=0), 1.0, atol=1e-5)


def test_batch_norm_moments_count_the_zeros_of_the_mask():
    x = np.array([[[[2.0], [5.0]], [[7.0], [4.0]]]])
    mean, variance = layers.batch_moments(x, 1 - couplings.checkerboard_mask(2, 2))
    np.testing.assert_allclose(mean, [(5 + 7) / 4])
    np.testing.assert_allclose(variance, [(25 + 49) / 4 - 9])
    np.testing.assert_allclose(layers.moved_average(np.array([1.0]), mean), [1.2])
    z, _ = layers.batch_norm_encode(x, mean, variance, 1 - couplings.checkerboard_mask(2, 2))
    assert z[0, 0, 0, 0] == 2.0 and z[0, 1, 1, 0] == 4.0
    np.testing.assert_allclose(z[0, 0, 1, 0], 2.0 / np.sqrt(9.5001))


def test_plu_matrix():
    factors = random_weights.plu(np.random.default_rng(7), 5)
    matrix = layers.plu_matrix(**factors)
    sign, log_det = np.linalg.slogdet(matrix)
    np.testing.assert_allclose(log_det, factors["log_s"].sum())
    parity = np.linalg.det(factors["permutation"])
    np.testing.assert_allclose(sign, factors["sign"].prod() * parity)
    lower = np.tril(factors["lower"], -1) + np.eye(5)
    upper = np.linalg.solve(lower, factors["permutation"].T @ matrix)
    np.testing.assert_allclose(np.tril(upper, -1), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.diag(upper), factors["sign"] * np.exp(factors["log_s"]))
    np.testing.assert_allclose(np.triu(upper, 1), np.triu(factors["upper"], 1))


def test_conv1x1_multiplies_columns_from_the_left():
    matrix = np.array([[1.0, 2.0], [0.0, 3.0]])
    z, log_det = layers.conv1x1_encode(np.array([[[[1.0, 10.0]], [[2.0, 20.0]]]]), matrix)
    np.testing.assert_array_equal(z, [[[[21.0, 30.0]], [[42.0, 60.0]]]])
    np.testing.assert_allclose(log_det, [2 * np.log(3.0)])


def test_permutation_orders():
    x = np.array([[10.0, 11.0, 12.0, 13.0, 14.0]])
    tile = layers.permute_encode(x, layers.permutation_order("even_odd", 5))[0]
    np.testing.assert_array_equal(tile, [[10, 12, 14, 11, 13]])
    back = layers.permute_encode(x, layers.permutation_order("reverse", 5))[0]
    np.testing.assert_array_equal(back, x[:, ::-1])


def test_squeeze_by_hand_2x2():
    x = np.array([["a", "b"], ["c", "d"]])
    x = np.vectorize(ord)(x)[None, :, :, None] * np.array([1.0, -1.0])
    a, b, c, d = (float(ord(letter)) for letter in "abcd")
    interleaved = multi_scale.squeeze_encode(x, "interleaved")[0]
    np.testing.assert_array_equal(interleaved[0, 0, 0], [a, b, c, d, -a, -b, -c, -d])
    diagonal = multi_scale.squeeze_encode(x, "diagonal")[0]
    np.testing.assert_array_equal(diagonal[0, 0, 0], [a, -a, d, -d, b, -b, c, -c])


def test_squeeze_by_hand_4x4():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    interleaved = [[[0, 1, 4, 5], [2, 3, 6, 7]], [[8, 9, 12, 13], [10, 11, 14, 15]]]
    diagonal = [[[0, 5, 1, 4], [2, 7, 3, 6]], [[8, 13, 9, 12], [10, 15, 11, 14]]]
    np.testing.assert_array_equal(multi_scale.squeeze_encode(x, "interleaved")[0][0], interleaved)
    np.testing.assert_array_equal(multi_scale.squeeze_encode(x, "diagonal")[0][0], diagonal)


@pytest.mark.parametrize("order", ["interleaved", "diagonal"])
def test_squeeze_is_a_permutation(order):
    encode = functools.partial(multi_scale.squeeze_encode, order=order)
    decode = functools.partial(multi_scale.squeeze_decode, order=order)
    check_bijection(encode, decode, draw((2, 4, 6, 3)))


def test_split_prior_is_the_conditional_density():
    h = draw((2, 2, 3, 4))
    prior = conditioner(2, "gaussian")
    kept, eps, log_det = multi_scale.split_prior_encode(h, prior)
    mean, log_sigma = couplings.halves(prior(h[..., :2]))
    np.testing.assert_allclose(
        distributions.standard_normal_log_prob(eps) + log_det,
        distributions.gaussian_log_prob(h[..., 2:], mean, log_sigma),
    )
    back, back_log_det = multi_scale.split_prior_decode(kept, eps, prior)
    np.testing.assert_allclose(back, h)
    np.testing.assert_allclose(back_log_det, -log_det)


@pytest.mark.parametrize("learned", [False, True])
def test_multi_scale(learned):
    matrices = [draw((n, n), n) for n in (4, 2, 1)]
    priors = [conditioner(2, "gaussian"), conditioner(1, "gaussian")] if learned else None
    encoders = [functools.partial(layers.conv1x1_encode, matrix=m) for m in matrices]
    decoders = [functools.partial(layers.conv1x1_decode, matrix=m) for m in matrices]
    shapes = [(1, 3, 4), (1, 3, 2), (1, 3, 1)]
    check_bijection(
        lambda x: multi_scale.multi_scale_encode(x, encoders, priors),
        lambda z: multi_scale.multi_scale_decode(z, decoders, shapes, priors),
        draw((2, 1, 3, 4)),
    )


def test_multi_scale_lists_the_finest_latents_first():
    x = np.arange(8.0).reshape(1, 1, 2, 4)
    levels = [lambda h: (h, np.zeros(1))] * 3
    z, _ = multi_scale.multi_scale_encode(x, levels)
    np.testing.assert_array_equal(z, [[2, 3, 6, 7, 1, 5, 0, 4]])


def test_one_level_of_multi_scale_factors_nothing_out():
    x = draw((2, 2, 2, 3))
    z, _ = multi_scale.multi_scale_encode(x, [lambda h: (h, np.zeros(2))])
    np.testing.assert_array_equal(z, x.reshape(2, 12))


def test_with_condition():
    x, vector = draw((2, 3, 2, 1)), draw((2, 5))
    joined = networks.with_condition(x, vector)
    np.testing.assert_array_equal(joined[1, 2, 0], [*x[1, 2, 0], *vector[1]])
    np.testing.assert_array_equal(networks.with_condition(x, joined)[..., 1:], joined)
    assert networks.with_condition(x) is x
