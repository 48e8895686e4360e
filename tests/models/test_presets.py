"""The presets: parameters and latents counted by hand from the papers, the table, overrides."""

import copy
import functools
import gc
import json
import pickle

import numpy as np
import pytest

import tfflows
from tests.models.preset_counts import COUNTS, FIGURES, GLOW, LATENTS
from tfflows.models import presets

MODELS = {model.__name__: model for model in (tfflows.NICE, tfflows.RealNVP, tfflows.Glow)}

EVERY = [(model, name) for model in MODELS for name in MODELS[model].presets]
every_preset = pytest.mark.parametrize(("model", "name"), EVERY, ids=map(" ".join, EVERY))


@functools.cache
def measured(model, event_shape, arguments):
    """Trainable parameters of a model and the shapes of its latents; the model is let go."""
    flow = MODELS[model](event_shape, **dict(arguments))
    count = sum(int(np.prod(v.shape)) for v in flow.trainable_variables)
    last = flow.distribution.bijector.layers[-1]
    shapes = getattr(last, "latent_shapes", [flow.event_shape])
    del flow, last
    gc.collect()
    return count, shapes


def of_preset(model, name, **overrides):
    preset = MODELS[model].presets[name]
    arguments = tuple(sorted({**preset.arguments, **overrides}.items()))
    return measured(model, preset.event_shape, arguments)


@every_preset
def test_parameters_and_latents_are_those_of_the_paper(model, name):
    preset = MODELS[model].presets[name]
    if model == "Glow":  # whose steps are all alike in a level: two depths tell of all others
        one, latents = of_preset(model, name, depth=1)
        two, _ = of_preset(model, name, depth=2)
        count = one + (preset.arguments["depth"] - 1) * (two - one)
    else:
        count, latents = of_preset(model, name)
    assert count == COUNTS[model][name]
    assert count == FIGURES.get((model, name), count)
    assert latents == LATENTS.get((model, name), [preset.event_shape])


@pytest.mark.deep
@pytest.mark.parametrize("name", tfflows.Glow.presets)
def test_parameters_of_the_whole_glow(name):
    assert of_preset("Glow", name) == (GLOW[name], LATENTS["Glow", name])


@every_preset
def test_a_preset_is_complete_and_read_only(model, name):
    preset = MODELS[model].presets[name]
    assert isinstance(preset, presets.Preset) and preset.name == name
    assert "dataset" in preset.training and preset.unit == "bits/dim"
    assert preset.source and "\n" not in preset.source
    for mapping in (preset.arguments, preset.training, preset.published, MODELS[model].presets):
        with pytest.raises(TypeError, match="does not support item assignment"):
            mapping["dataset"] = 1
    with pytest.raises(AttributeError):
        preset.name = "other"


@every_preset
def test_presets_are_values(model, name):
    preset = MODELS[model].presets[name]
    for copied in (copy.deepcopy(preset), pickle.loads(pickle.dumps(preset))):
        assert copied == preset and hash(copied) == hash(preset) and copied is not preset
    assert json.loads(json.dumps(preset.as_dict()))["training"].keys() == preset.training.keys()


@pytest.mark.parametrize("model", MODELS)
def test_the_table_has_a_row_of_each(model):
    first, *rows = repr(MODELS[model].presets).splitlines()
    assert first.split() == ["preset", "event", "shape", "published", "source"]
    for row, preset in zip(rows, MODELS[model].presets.values(), strict=True):
        assert row.startswith(f"{preset.name} ") and row.endswith(f"  {preset.source}")
        assert all(f"{value} ({what})" in row for what, value in preset.published.items())
        assert preset.published or "  none  " in row


@pytest.mark.parametrize(
    ("model", "name", "figures"),
    [
        ("NICE", "mnist", "4.36 (test) bits/dim"),
        ("NICE", "svhn", "none"),
        ("RealNVP", "celeba", "3.02 (validation), 2.97 (train) bits/dim"),
        ("Glow", "cifar10", "3.35 (test) bits/dim"),
        ("Glow", "lsun96", "none"),
    ],
)
def test_published_figures(model, name, figures):
    assert MODELS[model].presets[name].figures == figures


def test_overrides_and_what_is_left():
    flow = tfflows.Glow.preset("celeba_hq256", event_shape=(8, 8, 1), levels=2, depth=1, width=4)
    assert flow.event_shape == (8, 8, 1) and flow.width == 4
    assert (flow.bins, flow.transform, flow.permutation) == (32, "additive", "full")
    named = tfflows.NICE.preset("mnist", event_shape=(6,), width=3, bins=None, name="mine")
    assert named.name == "mine" and named.hidden_layers == 5 and named.data_range == (0.0, 1.0)
