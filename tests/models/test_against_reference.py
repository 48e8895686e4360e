"""Whole small models with random weights against their plain NumPy counterparts."""

import keras
import numpy as np
import pytest

from tests.models import flows, weights
from tests.reference import models, realnvp

LABELS = np.array([3, 0, 2])
CASES = {
    "nice": ("nice", {"depth": 3}, {}),
    "nice_normal": ("nice", {"base": "normal"}, {}),
    "realnvp": ("realnvp", {"depth": 3, "width": 3}, {}),
    "glow": ("glow", {"depth": 2}, {}),
    "glow_full": ("glow", {"permutation": "full", "learn_prior": False}, {}),
    "glow_exp": ("glow", {"transform": "exp", "event_shape": (4, 8, 2)}, {"law": "exp"}),
    "glow_additive": ("glow", {"transform": "additive"}, {"law": "additive"}),
    "glow_classes": ("glow", {"classes": 4}, {"labels": LABELS}),
    "glow_classes_only": ("glow", {"classes": 4, "learn_prior": False}, {"labels": LABELS}),
}
CODE = {
    "nice": (models.nice_encode, models.nice_decode),
    "realnvp": (realnvp.realnvp_encode, realnvp.realnvp_decode),
    "glow": (models.glow_encode, models.glow_decode),
}


class Case:
    """A float64 model of ours with its reference."""

    def __init__(self, name):
        keras.utils.set_random_seed(0)
        kind, options, self.arguments = CASES[name]
        self.flow = flows.trained(kind, **{"bins": 16, "dtype": "float64", **options})
        self.encode, self.decode = CODE[kind]
        self.weights = weights.of(self.flow)
        self.prior = "logistic" if name == "nice" else "normal"
        self.condition = self.arguments.get("labels")


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return Case(request.param)


def test_the_same_latents_and_log_likelihood(case):
    x = np.random.default_rng(0).uniform(0, 16, (3, *case.flow.event_shape))
    z, log_det = case.encode(x, case.weights, bins=16, **case.arguments)
    ours, log_prob = case.flow.encode_and_log_prob(x, case.condition)
    np.testing.assert_allclose(ours, z, rtol=1e-9, atol=1e-9)
    expected = models.log_prob(z, log_det, case.prior)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-10)
    assert np.ptp(expected) > 1e-2


def test_the_same_samples_from_the_same_noise(case):
    z = np.random.default_rng(1).standard_normal((3, np.prod(case.flow.event_shape)))
    x, _ = case.decode(z, case.weights, case.flow.event_shape, bins=16, **case.arguments)
    np.testing.assert_allclose(case.flow.decode(z, case.condition), x, rtol=1e-9, atol=1e-8)
