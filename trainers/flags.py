"""The flags that all trainers share."""

import sys

from absl import flags

from tfflows import data
from trainers.settings import DEFAULTS


def define(recipe, flag_values=flags.FLAGS):
    """Defines the common flags and the recipe's, with its defaults in their help.

    Returns:
      Names of all of these flags, and of those that are arguments of the model.
    """
    others = set(flag_values)
    for define_some in (_define_data, _define_optimization, _define_course, _define_machine):
        define_some(flag_values)
    common = set(flag_values)
    recipe.define_flags(flag_values)
    names, arguments = set(flag_values) - others, set(flag_values) - common
    for name in names:
        flag_values[name].help += _shown_defaults(recipe, name)
        flag_values.register_key_flag_for_module(sys.argv[0], flag_values[name])  # for --help
    return names, arguments


def _shown_defaults(recipe, name):
    """The defaults of a flag as its help shows them."""
    shown = [f"{key}: {table[name]}" for key, table in recipe.defaults.items() if name in table]
    if DEFAULTS.get(name) is not None:
        shown.append(f"{'else: ' if shown else ''}{DEFAULTS[name]}")
    return f" (default {', '.join(shown)})" if shown else ""


def _define_data(flag_values):
    flags.DEFINE_string(
        "dataset",
        "digits",
        f"digits, one of the 2-D densities {', '.join(data.DENSITIES)}, or an image dataset by its "
        "TFDS name.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of the prepared TFDS datasets; nothing is downloaded.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "num_points",
        None,
        "Points of a 2-D density in each split.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "pad_to",
        None,
        "Height and width that images are padded to with zeros.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "augment",
        None,
        ["none", *data.AUGMENTATIONS],
        "Augmentation of the training images.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "batch_size",
        None,
        "Examples in a training step, on all devices together.",
        lower_bound=1,
        flag_values=flag_values,
    )


def _define_optimization(flag_values):
    flags.DEFINE_enum("optimizer", None, ["adam", "adamax"], "Optimizer.", flag_values=flag_values)
    flags.DEFINE_float(
        "learning_rate", None, "Highest learning rate.", lower_bound=1e-12, flag_values=flag_values
    )
    flags.DEFINE_integer(
        "warmup_steps",
        None,
        "Steps in which the learning rate rises from zero.",
        lower_bound=0,
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "schedule",
        None,
        ["cosine", "constant"],
        "Learning rate after the warm-up: down to zero at the last step, or constant.",
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "clip_norm",
        None,
        "Largest norm of the whole gradient; 0 for any.",
        lower_bound=0.0,
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "weight_decay",
        None,
        "Decay of the weights, decoupled as in AdamW; 0 for none.",
        lower_bound=0.0,
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "ema_momentum",
        None,
        "Momentum of the moving average of the weights, with which the model is evaluated; 0 for "
        "the weights themselves.",
        lower_bound=0.0,
        upper_bound=0.999999,
        flag_values=flag_values,
    )


def _define_course(flag_values):
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of everything the run writes. With a run of the same flags in it, goes on there.",
        required=True,
        flag_values=flag_values,
    )
    counts = {
        "epochs": (1, "Epochs; each ends with a checkpoint."),
        "steps_per_epoch": (
            1,
            "Steps in an epoch; as many as one pass over the data has if unset.",
        ),
        "validate_every": (1, "Epochs from one validation to the next."),
        "samples_every": (1, "Epochs from one sample grid in TensorBoard to the next."),
        "patience": (0, "Validations without a new best value after which to stop; 0 for never."),
    }
    for name, (least, text) in counts.items():
        flags.DEFINE_integer(name, None, text, lower_bound=least, flag_values=flag_values)
    flags.DEFINE_float(
        "max_minutes",
        None,
        "Stops before an epoch would end beyond this time of training, counted over all runs of "
        "the command; 0 for no limit.",
        lower_bound=0.0,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "seed",
        0,
        "Seed of weights, data order and samples.",
        lower_bound=0,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "smoke", False, "The same run, small enough to take seconds.", flag_values=flag_values
    )


def _define_machine(flag_values):
    flags.DEFINE_enum(
        "strategy",
        "none",
        ["none", "one_device", "mirrored"],
        "tf.distribute strategy; mirrored takes all GPUs, else all logical CPUs.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "logical_cpus",
        1,
        "Devices to present the CPU as, to try --strategy=mirrored.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "steps_per_execution",
        1,
        "Steps in one call of the compiled training function.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "jit_compile",
        "auto",
        ["auto", "true", "false"],
        "Whether to compile by XLA; auto as Keras chooses.",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "verbose",
        "auto",
        ["auto", "0", "1", "2"],
        "Nothing, a progress bar, or a line an epoch; auto is the bar in a terminal, else a line.",
        flag_values=flag_values,
    )
