"""A run's settings: the parsed flags, with the defaults of its recipe where they are silent."""

import json
import types

from absl import flags

from trainers.recipe import DATASET

# Values of flags that neither the command nor the recipe sets.
DEFAULTS = {
    "augment": "none",
    "beta_1": None,
    "beta_2": None,
    "batch_size": 64,
    "bits": None,
    "checkpoint_seconds": 600.0,
    "checkpoint_steps": 0,
    "class_conditional": None,
    "clip_norm": 0.0,
    "dataset": DATASET,
    "dequantizer": "uniform",
    "deterministic": False,
    "dequantizer_depth": None,
    "dequantizer_width": None,
    "ema_momentum": 0.0,
    "epochs": 10,
    "epsilon": None,
    "init_batch_size": 512,
    "learning_rate": 1e-3,
    "max_minutes": 0.0,
    "max_skipped": 100,
    "num_points": None,
    "optimizer": "adamax",
    "pad_to": None,
    "patience": 0,
    "precision": "float32",
    "recompute": False,
    "samples_every": 10,
    "schedule": "cosine",
    "steps_per_epoch": None,
    "steps_per_execution": None,
    "validate_every": 1,
    "warmup_steps": 0,
    "weight_decay": 0.0,
}
# Where, how and how long to compute: no part of the run's identity, so a continued run may differ.
_FREE = {
    "checkpoint_seconds",
    "checkpoint_steps",
    "data_dir",
    "jit_compile",
    "logical_cpus",
    "max_minutes",
    "max_skipped",
    "patience",
    "samples_every",
    "steps_per_execution",
    "strategy",
    "tpu",
    "verbose",
    "workdir",
}


# Of these, what several workers must agree on, as it decides what they do together.
_OF_ALL = ("jit_compile", "max_minutes", "max_skipped", "patience", "steps_per_execution")


def resolve(recipe, names, arguments, flag_values=flags.FLAGS):
    """Returns the parsed flags as a namespace, with `arguments`, those of the model, apart.

    Raises:
      ValueError: the recipe's model cannot have the dataset's kind of data, or the preset has data
        of its own that cannot be loaded and no other is named.
    """
    given = {name: flag_values[name].value for name in names}
    given.setdefault("class_conditional", None)  # of the models that can be
    preset = given["preset"]
    given["dataset"] = given["dataset"] or recipe.dataset(preset)
    chosen = recipe.values(given["dataset"], preset=preset, smoke=given["smoke"])
    defaults = {**DEFAULTS, **chosen}
    values = {n: defaults.get(n) if value is None else value for n, value in given.items()}
    return types.SimpleNamespace(
        **{name: value for name, value in values.items() if name not in arguments},
        arguments={n: values[n] for n in sorted(arguments) if values[n] is not None},
    )


def identity(recipe, settings):
    """Returns what makes a run the one it is, in the order in which a difference is reported."""
    values = {n: v for n, v in sorted(vars(settings).items()) if n not in _FREE | {"arguments"}}
    first = {"model": recipe.name, "dataset": values["dataset"], "smoke": values["smoke"]}
    return {**first, **values, **settings.arguments}


def check_alike(identity, settings, team):
    """Refuses workers of which some have other settings, where these must be the same.

    Raises:
      ValueError: on all of them; where they differ, with the first that does.
    """
    own = {**identity, **{name: getattr(settings, name) for name in _OF_ALL}}
    own = json.loads(json.dumps(own))
    first = team.by_first(lambda: own)
    other = next((n for n in [*first, *own] if first.get(n) != own.get(n)), None)
    if other is not None:
        team.largest([1])
        raise ValueError(
            f"Expected {other}={first.get(other)!r} as on the first worker. "
            f"Received: {other}={own.get(other)!r}"
        )
    if team.largest([0])[0]:
        raise ValueError(
            "Expected the same flags on all workers. Received: others on some, which say which"
        )
