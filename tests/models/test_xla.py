"""Everything but training compiled by XLA; training is in test_training and test_recompute."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows

CASES = {name: (name, {}) for name in flows.NAMES}
CASES["glow_full"] = "glow", {"permutation": "full"}
CASES["realnvp_vectors"] = "realnvp", {"event_shape": (6,), "bins": None}


@pytest.mark.parametrize("name", CASES)
def test_density_latents_and_samples(name):
    kind, options = CASES[name]
    flow = flows.trained(kind, **options)
    x = flow.sample(4, seed=1)

    def everything(x):
        z, log_prob = flow.encode_and_log_prob(x)
        return z, log_prob, flow.decode(z)

    def drawn():
        # XLA's noise of a seed is not that of TensorFlow's own kernels: samples are compared by it.
        noise = flow.distribution.distribution.sample(3, seed=[2, 0])
        return flow.sample(3, temperature=0.7, seed=2), noise

    compiled = tf.function(everything, jit_compile=True, autograph=False)
    for ours, expected in zip(compiled(x), everything(x), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=2e-3)
    samples, noise = tf.function(drawn, jit_compile=True, autograph=False)()
    np.testing.assert_allclose(samples, flow.decode(0.7 * noise), rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("name", flows.NAMES)
def test_evaluate_and_predict(name):
    flow, results = flows.trained(name), []
    for jit_compile in (False, True):
        flow.compile(keras.optimizers.Adam(), jit_compile=jit_compile)
        x = flows.images(8)
        results.append([*flow.evaluate(x, verbose=0), *flow.predict(x, verbose=0)])
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4)
