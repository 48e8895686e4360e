"""--preset: the authors' values where the command is silent, and what their optimizers compute."""

import inspect
import math

import keras
import numpy as np
import pytest

from tests.trainers import command
from trainers import flags as trainer_flags
from trainers import optimizers, stream

EVERY = [(name, p) for name, recipe in command.RECIPES.items() for p in recipe.model.presets]
every_preset = pytest.mark.parametrize(("model", "preset"), EVERY, ids=map(" ".join, EVERY))


def parsed(model, preset, *arguments):
    return command.parsed(model, "--workdir=unused", f"--preset={preset}", *arguments)


@every_preset
def test_flags_have_the_presets_values(model, preset):
    recipe = command.RECIPES[model]
    expected = recipe.model.presets[preset]
    found = parsed(model, preset, "--dataset=digits")
    assert found.bits is None  # as the digits have none
    ours = vars(parsed(model, preset, "--dataset=mnist"))
    ours = {**ours, "dataset": expected.training["dataset"]}
    assert {name: ours[name] for name in expected.training} == expected.training
    of_data = {"bins", "classes"}
    arguments = {name: value for name, value in expected.arguments.items() if name not in of_data}
    assert {name: found.arguments[name] for name in arguments} == arguments
    assert found.arguments.keys() < inspect.signature(recipe.model).parameters.keys()
    for name in ("precision", "recompute"):  # what is no part of a preset is as always
        assert found.arguments[name] == command.parsed(model, "--workdir=unused").arguments[name]
    assert (found.dataset, found.preset) == ("digits", preset)


@every_preset
def test_the_dataset_is_the_presets(model, preset):
    dataset = command.RECIPES[model].model.presets[preset].training["dataset"]
    if dataset is not None:
        assert parsed(model, preset).dataset == dataset
        return
    with pytest.raises(ValueError, match=f"Expected a dataset for preset='{preset}'"):
        parsed(model, preset)
    assert parsed(model, preset, "--dataset=mnist").dataset == "mnist"


@every_preset
def test_nothing_of_the_optimization_is_left_to_the_trainer(model, preset):
    recipe = command.RECIPES[model]
    hidden = {"augment", "clip_norm", "ema_momentum", "optimizer", "warmup_steps", "weight_decay"}
    assert hidden <= recipe.model.presets[preset].training.keys()


def test_without_a_preset_nothing_changes():
    found = command.parsed("realnvp", "--workdir=unused")
    assert (found.preset, found.dataset, found.init_batch_size) == (None, "digits", 512)
    assert (found.beta_1, found.beta_2, found.epsilon) == (None, None, None)
    # What no table of the trainer has is left to the model.
    assert not {"l2", "zero_init"} & found.arguments.keys()


def test_other_flags_win_and_smoke_shrinks():
    given = ("--width=7", "--learning_rate=0.5", "--nolearn_prior", "--beta_2=0.5")
    found = parsed("glow", "imagenet64", *given)
    assert (found.arguments["width"], found.arguments["learn_prior"]) == (7, False)
    assert (found.learning_rate, found.beta_2) == (0.5, 0.5)
    assert (found.arguments["depth"], found.batch_size) == (48, 128)
    small = parsed("glow", "imagenet64", "--smoke", "--width=7")
    assert (small.arguments["width"], small.arguments["depth"]) == (7, 1)
    assert (small.batch_size, small.epochs, small.warmup_steps) == (16, 2, 1)
    assert (small.arguments["levels"], small.arguments["permutation"]) == (4, "full")


def test_lists_of_numbers():
    flags = ("--hidden_layers=1,2", "--data_range=-1,1")
    found = command.parsed("nice", "--workdir=unused", *flags).arguments
    assert (found["hidden_layers"], found["data_range"]) == ([1, 2], [-1.0, 1.0])
    one = command.parsed("nice", "--workdir=unused", "--hidden_layers=3").arguments
    assert one["hidden_layers"] == 3
    with pytest.raises(trainer_flags.flags.Error, match="hidden_layers=a"):
        command.parsed("nice", "--workdir=unused", "--hidden_layers=a")


def test_unknown_presets_are_refused_with_the_names():
    with pytest.raises(trainer_flags.flags.Error, match="mnist.*tfd.*svhn.*cifar10"):
        parsed("nice", "celeba")


def test_help_shows_figures_and_values():
    values = trainer_flags.flags.FlagValues()
    trainer_flags.define(command.RECIPES["realnvp"], values)
    assert "cifar10: 3.49 (test) bits/dim; " in values["preset"].help
    small = "cifar10_small or mnist_small"
    blocks = (
        f"preset cifar10: 8, preset imagenet32: 4, preset imagenet64 or lsun or celeba or {small}"
    )
    assert f"(default {blocks}: 2, images: 2" in values["blocks"].help
    assert "preset celeba: celeb_a, " in values["dataset"].help
    assert "(default every preset: adam, " in values["optimizer"].help


# One epoch of 50,000 images, by 64 on each of 8 or 40 devices, whatever the size of the images.
@pytest.mark.parametrize(
    ("preset", "batch", "first", "steps", "dims"),
    [
        ("cifar10", 512, 256, 98, 3072),
        ("imagenet64", 128, 64, 98, 12288),
        ("celeba_hq256", 40, 4, 20, 196608),
        ("lsun96", 320, 28, 20, 27648),
        ("lsun128", 160, 16, 20, 49152),
    ],
)
def test_glows_numbers(preset, batch, first, steps, dims):
    found = parsed("glow", preset, "--dataset=digits")
    assert (found.batch_size, found.init_batch_size) == (batch, first)
    assert found.beta_2 == 1 - 1 / steps
    assert found.epsilon == pytest.approx(1e-8 * dims * math.log(2))
    assert found.warmup_steps == {98: 977, 20: 196}[steps]  # 500,000 images, rounded up


def trajectory(settings, gradients):
    """A variable of two values after each step of the settings' optimizer, from zeros."""
    variable = keras.Variable(np.zeros(2), dtype="float32")
    optimizer = optimizers.make(settings, 100)
    values = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        values.append(variable.numpy())
    return np.array(values), optimizer


GRADIENTS = np.random.default_rng(0).standard_normal((6, 2)).astype(np.float32)


def test_the_adamax_of_glow():
    """As in the authors' code: a maximum that decays, and the correction of Adam's mean square."""
    flags = ("--warmup_steps=3", "--learning_rate=0.1", "--epsilon=0.2")
    settings = parsed("glow", "cifar10", "--dataset=digits", *flags)
    found, optimizer = trajectory(settings, GRADIENTS)
    w, m, u, beta_2, expected = 0.0, 0.0, 0.0, 1 - 1 / 98, []
    for t, g in enumerate(GRADIENTS.astype(np.float64), start=1):
        rate = 0.1 * min(1, (t - 1) / 3) * np.sqrt(1 - beta_2**t) / (1 - 0.9**t)
        m, u = 0.9 * m + 0.1 * g, np.maximum(beta_2 * u, abs(g))
        w = w - rate * m / (u + 0.2)
        expected.append(w)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    config = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(config)
    rates = [[float(o._learning_rate(step)) for step in (0, 2, 9)] for o in (optimizer, again)]
    assert rates[0] == rates[1] and rates[0][2] > rates[0][1] > rates[0][0] == 0


@pytest.mark.parametrize(
    ("model", "preset", "beta_2", "epsilon", "clip"),
    [("nice", "mnist", 0.99, 1e-4, np.inf), ("realnvp", "celeba", 0.999, 1e-8, 100.0)],
)
def test_the_adam_of_nice_and_realnvp(model, preset, beta_2, epsilon, clip):
    settings = parsed(model, preset, "--dataset=digits")
    gradients = 200 * GRADIENTS
    w, m, v, expected = 0.0, 0.0, 0.0, []
    for t, g in enumerate(gradients.astype(np.float64), start=1):
        g = g * min(1, clip / np.linalg.norm(g))
        m, v = 0.9 * m + 0.1 * g, beta_2 * v + (1 - beta_2) * g**2
        w = w - 1e-3 * np.sqrt(1 - beta_2**t) / (1 - 0.9**t) * m / (np.sqrt(v) + epsilon)
        expected.append(w)
    np.testing.assert_allclose(trajectory(settings, gradients)[0], expected, rtol=1e-4)


def test_the_first_batch_has_the_size_of_its_flag():
    settings = parsed("glow", "celeba_hq256", "--dataset=digits")
    assert stream.first_batch(settings)[0].shape == (4, 8, 8, 1)


@pytest.mark.parametrize(
    ("model", "preset", "arguments"),
    [
        ("nice", "cifar10", ["--hidden_layers=1,1"]),
        ("realnvp", "cifar10", ["--levels=1"]),
        ("glow", "cifar10_class_conditional", ["--levels=1"]),
    ],
)
def test_a_run_in_miniature(model, preset, arguments, tmp_path):
    flags = (f"--preset={preset}", "--dataset=digits", "--smoke", "--width=5", "--verbose=0")
    run = command.run(model, tmp_path, *flags, *arguments)
    expected = run.recipe.model.presets[preset].arguments
    assert run.flow.width == 5
    for name in expected.keys() & {
        "order",
        "base",
        "l2",
        "classes",
        "class_loss",
        "permutation",
        "zero_init",
    }:
        assert getattr(run.flow, name) == expected[name]
    assert len(run.history.rows) == 2
    again = command.prepared(model, tmp_path, *flags, *arguments)
    assert again.complete
