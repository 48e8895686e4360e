"""The flags that all trainers share."""

import inspect
import sys

from absl import flags

from tfflows import data
from trainers import strategies
from trainers.settings import DEFAULTS


def define(recipe, flag_values=flags.FLAGS):
    """Defines the common flags and the recipe's, with its defaults in their help.

    Returns:
      Names of all of these flags, and of those that are arguments of the model.
    """
    others = set(flag_values)
    _define_preset(flag_values, recipe.model.presets)
    groups = (_define_data, _define_noise, _define_optimization, _define_course, _define_machine)
    for define_some in groups:
        define_some(flag_values)
    if "classes" in inspect.signature(recipe.model).parameters:
        text = "Whether the model is conditioned on the images' labels, its classes being theirs."
        switch(flag_values, "class_conditional", text)
    common = set(flag_values)
    _define_model(flag_values)
    recipe.define_flags(flag_values)
    names, arguments = set(flag_values) - others, set(flag_values) - common
    for name in names:
        flag_values[name].help += _shown_defaults(recipe, name)
        flag_values.register_key_flag_for_module(sys.argv[0], flag_values[name])  # for --help
    return names, arguments


def count(flag_values, name, text, default=None, least=1):
    """Defines a flag that is an integer of at least `least`."""
    flags.DEFINE_integer(name, default, text, lower_bound=least, flag_values=flag_values)


def number(flag_values, name, text, least=0.0, most=None):
    """Defines a flag that is a number from `least` to `most`."""
    flags.DEFINE_float(
        name, None, text, lower_bound=least, upper_bound=most, flag_values=flag_values
    )


def numbers(flag_values, name, text, kind=float):
    """Defines a flag that is a number, or a list of several with commas between."""
    parser, serializer = _Numbers(kind), flags.ArgumentSerializer()
    flags.DEFINE(parser, name, None, text, flag_values=flag_values, serializer=serializer)


class _Numbers(flags.ArgumentParser):
    syntactic_help = "a number, or several with commas between"

    def __init__(self, kind):
        super().__init__()
        self._kind = kind

    def parse(self, argument):
        """Returns the number, or the list of them."""
        values = [self._kind(part) for part in str(argument).split(",")]
        return values if len(values) > 1 else values[0]


def choice(flag_values, name, options, text, default=None):
    """Defines a flag that is one of a few words."""
    flags.DEFINE_enum(name, default, options, text, flag_values=flag_values)


def switch(flag_values, name, text, default=None):
    """Defines a flag that is on or off."""
    flags.DEFINE_bool(name, default, text, flag_values=flag_values)


def _define_preset(to, presets):
    figures = "; ".join(f"{preset.name}: {preset.figures}" for preset in presets.values())
    text = "Model, dataset and training as the authors have them, where no other flag says else"
    choice(to, "preset", list(presets), f"{text}. What they published: {figures}.")


def _define_data(to):
    names = f"digits, one of the 2-D densities {', '.join(data.DENSITIES)}, or a TFDS name"
    flags.DEFINE_string("dataset", None, f"Data: {names} of images.", flag_values=to)
    text = "Folder of the prepared TFDS datasets; nothing is downloaded."
    flags.DEFINE_string("data_dir", None, text, flag_values=to)
    count(to, "num_points", "Points of a 2-D density in each split.")
    count(to, "pad_to", "Height and width that images are padded to with zeros.")
    text = "Bits of the gray values, of images of 256: 5 as in Glow's experiments; all if unset."
    count(to, "bits", text)
    options = ["none", *data.AUGMENTATIONS]
    choice(to, "augment", options, "Augmentation of the training images.")
    count(to, "batch_size", "Examples in a training step, on all devices together.")
    count(to, "init_batch_size", "Examples from which data-dependent parts start.")


def _define_noise(to):
    text = "Noise that makes integers continuous; variational is learned with the model."
    choice(to, "dequantizer", ["uniform", "variational"], text)
    text = "of the variational dequantizer; if unset, as tfflows.VariationalDequantizer has it."
    count(to, "dequantizer_depth", f"Couplings {text}")
    count(to, "dequantizer_width", f"Channels of the networks, or units, {text}")


def _define_optimization(to):
    text = (
        "Optimizer; glow_adamax is Adamax at a rate times sqrt(1 - beta_2^t), as Glow's authors'."
    )
    choice(to, "optimizer", ["adam", "adamax", "glow_adamax"], text)
    text = "Share of the old that the average of the gradients keeps in a step; if unset, Keras'."
    number(to, "beta_1", text, most=0.999999)
    text = "The same of their squares, or of their largest size with adamax; if unset, Keras'."
    number(to, "beta_2", text, most=0.999999)
    number(to, "epsilon", "Added to the root of these; if unset, Keras'.", least=1e-20)
    number(to, "learning_rate", "Highest learning rate.", least=1e-12)
    count(to, "warmup_steps", "Steps in which the learning rate rises from zero.", least=0)
    text = "Learning rate after the warm-up: down to zero at the last step, or constant."
    choice(to, "schedule", ["cosine", "constant"], text)
    number(to, "clip_norm", "Largest norm of the whole gradient; 0 for any.")
    number(to, "weight_decay", "Decay of matrices and kernels, as in AdamW; 0 for none.")
    text = "Momentum of the average of the weights that is evaluated; 0 for the weights themselves."
    number(to, "ema_momentum", text, most=0.999999)


def _define_course(to):
    text = "Folder of everything the run writes; a run of the same flags in it is continued."
    flags.DEFINE_string("workdir", None, text, required=True, flag_values=to)
    count(to, "epochs", "Epochs; each ends with a checkpoint.")
    text = "Steps from one checkpoint within an epoch to the next; 0 for none by steps."
    count(to, "checkpoint_steps", text, least=0)
    text = "Seconds from one checkpoint within an epoch to the next; 0 for none by time."
    number(to, "checkpoint_seconds", text)
    count(to, "steps_per_epoch", "Steps in an epoch; if unset, those of one pass over the data.")
    count(to, "validate_every", "Epochs from one validation to the next.")
    count(to, "samples_every", "Epochs from one sample grid in TensorBoard to the next.")
    text = "Validations without a new best value after which to stop; 0 for never."
    count(to, "patience", text, least=0)
    text = "Minutes of training, of all runs of the command together, that no epoch is to exceed"
    number(to, "max_minutes", f"{text}; 0 for no limit.")
    text = "Most steps in a row that are skipped, their loss or gradient not being finite"
    count(to, "max_skipped", f"{text}; one more ends the run.", least=0)
    count(to, "seed", "Seed of weights, data order and samples.", default=0, least=0)
    switch(to, "smoke", "The same run, small enough to take seconds.", default=False)


def _define_machine(to):
    text = (
        "tf.distribute strategy: default, one device; mirrored, all GPUs, else all logical CPUs; "
        "multi_worker, the machines of TF_CONFIG; tpu."
    )
    choice(to, "strategy", strategies.NAMES, text, default="default")
    text = "Name or address of the TPU of --strategy=tpu; if unset, that of this machine."
    flags.DEFINE_string("tpu", "", text, flag_values=to)
    text = "Devices to present the CPU as, to try --strategy=mirrored."
    count(to, "logical_cpus", text, default=1)
    text = (
        "Steps in one call of the compiled training function, a divisor of those of an epoch; if "
        "unset, 1 for short runs, else at most 20."
    )
    count(to, "steps_per_execution", text)
    text = (
        "Whether the same command gives the same weights bit for bit, on one device, stopped and "
        "continued or not; without XLA, and maybe slower."
    )
    switch(to, "deterministic", text)
    text = "Whether to compile by XLA; auto as Keras chooses."
    choice(to, "jit_compile", ["auto", "true", "false"], text, default="auto")
    text = (
        "Nothing, a progress bar, or a line an epoch; auto is the bar in a terminal, else a line."
    )
    choice(to, "verbose", ["auto", "0", "1", "2"], text, default="auto")


def _define_model(to):
    """The arguments that all models have."""
    text = "Keras dtype policy of the networks; all else is float32."
    choice(to, "precision", ["float32", "mixed_bfloat16"], text)
    text = "Whether training recomputes activations, which takes less memory and more time."
    switch(to, "recompute", text)


def _shown_defaults(recipe, name):
    """The defaults of a flag as its help shows them."""
    shown = [f"{key}: {table[name]}" for key, table in recipe.defaults.items() if name in table]
    shown = [*_shown_presets(recipe, name), *shown]
    if DEFAULTS.get(name) is not None:
        shown.append(f"{'else: ' if shown else ''}{DEFAULTS[name]}")
    return f" (default {', '.join(shown)})" if shown else ""


def _shown_presets(recipe, name):
    """The presets that set a flag, those of one value together."""
    by_value = {}
    for preset in recipe.model.presets:
        value = recipe.of_preset(preset).get(name)
        if value is not None:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            by_value.setdefault(shown, []).append(preset)
    every = len(recipe.model.presets)
    return [
        f"{'every preset' if len(names) == every else 'preset ' + ' or '.join(names)}: {value}"
        for value, names in by_value.items()
    ]
