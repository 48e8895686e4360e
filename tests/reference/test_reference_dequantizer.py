"""The reference of variational dequantization against its definition."""

import numpy as np
import pytest

from tests.reference import dequantizer, numerics, random_weights


def weights(shape, width=3):
    """Random weights of two couplings for images or vectors."""
    rng = np.random.default_rng(0)
    size = shape[-1]
    if len(shape) == 1:
        context = random_weights.mlp(rng, (size, 4, width))
        nets = [random_weights.mlp(rng, (size // 2 + width, 4, size)) for _ in range(2)]
    else:
        context = random_weights.resnet(rng, size, 4, width)
        nets = [random_weights.resnet(rng, size + width, 4, 2 * size, mask=True) for _ in range(2)]
    return {"context": context, "couplings": [{"network": net, "scale": 0.8} for net in nets]}


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2)])
def test_log_det_is_that_of_the_map(shape):
    x = np.random.default_rng(1).integers(0, 5, (3, *shape))
    v = np.random.default_rng(2).uniform(0.1, 0.9, (3, *shape))
    given = weights(shape)
    u, log_det = dequantizer.transform(v, x, given, 5)
    assert u.min() > 0 and u.max() < 1 and abs(u - v).max() > 0.05
    for index in range(3):
        one = x[index : index + 1]

        def function(batch, one=one):
            return dequantizer.transform(batch, np.repeat(one, len(batch), 0), given, 5)[0]

        expected = numerics.log_abs_det(function, v[index : index + 1])
        np.testing.assert_allclose(log_det[index], expected[0], atol=1e-6)


def test_noise_is_uniform():
    noise = dequantizer.uniform_noise(np.zeros((1, 4000), int), 3)
    assert 0 < noise.min() and noise.max() < 1
    counts = np.histogram(noise, 10, (0, 1))[0]
    assert ((counts - 400) ** 2 / 400).sum() < 27.9  # 9 degrees of freedom, one in a thousand
