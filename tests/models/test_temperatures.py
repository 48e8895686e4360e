"""A temperature for each part of a latent, in the order of `latent_shapes`."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows

tfd = tfp.distributions


@pytest.fixture(scope="module", params=["glow", "realnvp"])
def flow(request):
    return flows.trained(request.param)


def plain(*shape):
    base = tfd.Independent(tfd.Normal(tf.fill(shape, 3.0), 1.0), len(shape))
    return tfflows.Flow(tfd.TransformedDistribution(base, tfp.bijectors.Scale(2.0)))


def without_latents():
    return tfflows.Flow(tfd.Independent(tfd.Normal(tf.zeros(2), 1.0), 1))


def test_shapes_are_those_of_the_levels():
    assert flows.fresh("glow", (8, 8, 3)).latent_shapes == [(4, 4, 6), (2, 2, 24)]
    assert flows.fresh("realnvp", (8, 8, 3)).latent_shapes == [(4, 4, 6), (4, 4, 6)]
    assert flows.small("glow").latent_shapes == [(2, 2, 4)]
    assert flows.fresh("nice").latent_shapes == [(16,)]
    assert plain(2, 3).latent_shapes == [(2, 3)]
    assert without_latents().latent_shapes is None


def test_each_scales_its_own_part(flow):
    sizes = [np.prod(shape) for shape in flow.latent_shapes]
    assert sum(sizes) == 16 and len(sizes) == 2
    z = flow.encode(flow.sample(8, seed=1)).numpy()
    tempered = flow.encode(flow.sample(8, temperature=[0.5, 2.0], seed=1)).numpy()
    np.testing.assert_allclose(tempered, z * np.repeat([0.5, 2.0], sizes), atol=2e-2)


def test_an_array_without_axes_is_a_number():
    expected = GLOW.sample(2, temperature=0.7, seed=1)
    np.testing.assert_array_equal(GLOW.sample(2, temperature=np.array(0.7), seed=1), expected)


def test_equal_ones_are_the_number(flow):
    for temperature in (0.7, 1.0, 0.0):
        expected = flow.sample(3, temperature=temperature, seed=2)
        for given in ([temperature] * 2, (temperature,) * 2, np.full(2, temperature)):
            samples = flow.sample(3, temperature=given, seed=2)
            np.testing.assert_allclose(samples, expected, rtol=1e-6)


def test_one_latent_takes_a_list_of_one_and_keeps_its_mean():
    flow = plain(2, 3)
    expected = flow.sample(5, temperature=0.5, seed=1)
    np.testing.assert_array_equal(flow.sample(5, temperature=[0.5], seed=1), expected)
    np.testing.assert_allclose(flow.sample(2, temperature=[0.0]), np.full((2, 2, 3), 6.0))


@pytest.mark.parametrize(
    "temperature, message",
    [
        ([0.5], r"2 of them, .*\(1, 1, 8\)\]. Received: temperature=\[0.5\]"),
        ([1.0, 1.0, 1.0], r"2 of them, .* Received: temperature=\[1.0, 1.0, 1.0\]"),
        ([], r"2 of them, .* Received: temperature=\[\]"),
        ([0.5, -0.1], r"at least 0. Received: temperature=\[0.5, -0.1\]"),
        ([0.5, float("nan")], r"a finite number, .* Received: temperature=\[0.5, nan\]"),
        ((float("inf"), 1), r"Received: temperature=\(inf, 1\)"),
        ([0.5, "1"], r"Received: temperature=\[0.5, '1'\]"),
        (True, "Received: temperature=True"),
        ([[0.5, 0.5]], r"Received: temperature=\[\[0.5, 0.5\]\]"),
    ],
)
def test_what_is_refused(temperature, message):
    with pytest.raises(ValueError, match=message):
        GLOW.sample(1, temperature=temperature)


GLOW = flows.fresh("glow")


def test_a_flow_without_latents_has_one_temperature_only():
    flow = without_latents()
    assert flow.sample(3).shape == (3, 2)
    with pytest.raises(ValueError, match="Expected a TransformedDistribution for temperature"):
        flow.sample(3, temperature=[0.5])
