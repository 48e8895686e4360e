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
    "nice_channels": ("nice", {"event_shape": (2, 3, 3), "order": "channels"}, {}),
    "nice_rows": ("nice", {"order": "rows", "data_range": (-1, 3), "hidden_layers": (1, 2)}, {}),
}
# The authors' models in miniature: the name of a preset and what makes it small.
LITTLE = {"event_shape": (4, 4, 3), "levels": 2, "depth": 2, "width": 6}
PRESETS = {
    "nice mnist": ({"width": 20}, {}),
    "nice tfd": ({"event_shape": (6, 4, 1), "width": 5}, {}),
    "nice svhn": ({"event_shape": (4, 4, 3), "width": 5}, {}),
    "nice cifar10": ({"event_shape": (4, 4, 3), "width": 5}, {}),
    "realnvp cifar10": ({"event_shape": (4, 4, 3), "width": 3, "blocks": 2}, {}),
    "glow cifar10": (LITTLE, {}),
    "glow celeba_hq256": (LITTLE, {"law": "additive"}),
    "glow cifar10_class_conditional": (LITTLE, {"law": "additive", "labels": LABELS}),
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
        kind = name.split("_")[0].split(" ")[0]
        if name in PRESETS:
            options, self.arguments = PRESETS[name]
            model = flows.MODELS[kind][0]
            preset = model.preset(name.split(" ")[1], **options, dtype="float64")
            self.flow = flows.randomize(preset)
        else:
            _, options, self.arguments = CASES[name]
            self.flow = flows.trained(kind, **{"bins": 16, "dtype": "float64", **options})
        if kind == "nice":
            self.arguments = {"order": self.flow.order, "data_range": self.flow.data_range}
        self.encode, self.decode = CODE[kind]
        self.weights = weights.of(self.flow)
        self.prior = getattr(self.flow, "base", "normal")
        self.condition = self.arguments.get("labels")


@pytest.fixture(scope="module", params=[*CASES, *PRESETS])
def case(request):
    return Case(request.param)


def test_the_same_latents_and_log_likelihood(case):
    bins = case.flow.bins
    x = np.random.default_rng(0).uniform(0, bins, (3, *case.flow.event_shape))
    z, log_det = case.encode(x, case.weights, bins=bins, **case.arguments)
    ours, log_prob = case.flow.encode_and_log_prob(x, case.condition)
    np.testing.assert_allclose(ours, z, rtol=1e-9, atol=1e-9)
    expected = models.log_prob(z, log_det, case.prior)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-10)
    assert np.ptp(expected) > 1e-2


def test_the_same_samples_from_the_same_noise(case):
    z = np.random.default_rng(1).standard_normal((3, np.prod(case.flow.event_shape)))
    x, _ = case.decode(z, case.weights, case.flow.event_shape, case.flow.bins, **case.arguments)
    np.testing.assert_allclose(case.flow.decode(z, case.condition), x, rtol=1e-9, atol=1e-8)
