"""What is measured: a model, its size, its data and its precision."""

import dataclasses

from absl import flags

# Sizes that the flags leave out. NICE's are those of its authors for MNIST.
DEFAULTS = {
    "glow": {"levels": 3, "depth": 8, "width": 256, "batch": 32, "size": 32, "channels": 3},
    "nice": {"depth": 4, "width": 1000, "batch": 200, "size": 28, "channels": 1},
    "realnvp": {"levels": 2, "depth": 3, "width": 64, "batch": 32, "size": 32, "channels": 3},
}
PRECISIONS = ("float32", "mixed_bfloat16")
_SIZES = {
    "levels": "Number of levels, L; not for nice.",
    "depth": "Steps a level, K; for nice and realnvp the number of couplings (of a kind).",
    "width": "Channels of the couplings' networks, or units of their layers.",
    "batch": "Images in a batch.",
    "size": "Height and width of the images.",
    "channels": "Channels of the images.",
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """One model and how it is run; `levels` is None for a model without."""

    model: str
    levels: int | None
    depth: int
    width: int
    batch: int
    size: int
    channels: int
    precision: str = "float32"
    recompute: bool = False
    jit: bool = False

    @property
    def event_shape(self):
        """Shape of one image."""
        return (self.size, self.size, self.channels)

    @property
    def arguments(self):
        """The model's arguments by name, without those that have their default."""
        sizes = {"levels": self.levels, "depth": self.depth, "width": self.width}
        arguments = {name: value for name, value in sizes.items() if value is not None}
        if self.precision != "float32":
            arguments["precision"] = self.precision
        if self.recompute:
            arguments["recompute"] = True
        return arguments

    def __str__(self):
        sizes = [f"{name} {value}" for name, value in self.arguments.items()]
        jit = ["XLA"] if self.jit else []
        images = f"batch {self.batch} of {self.size}x{self.size}x{self.channels}"
        return ", ".join([self.model, *sizes, *jit, images])


def define(flag_values=flags.FLAGS, **defaults):
    """Defines the flags of the settings; `defaults` come before those of the model."""
    flags.DEFINE_enum("model", "glow", [*DEFAULTS], "Model.", flag_values=flag_values)
    for name, text in _SIZES.items():
        values = [f"{m}: {d[name]}" for m, d in DEFAULTS.items() if name in d]
        shown = defaults.get(name, ", ".join(values))
        default = defaults.get(name)
        flags.DEFINE_integer(
            name, default, f"{text} (default {shown})", lower_bound=1, flag_values=flag_values
        )
    flags.DEFINE_enum(
        "precision", "float32", PRECISIONS, "Precision of the networks.", flag_values=flag_values
    )
    text = "Whether activations are computed again, not kept, for the gradients."
    flags.DEFINE_bool("recompute", False, text, flag_values=flag_values)
    flags.DEFINE_bool("jit", False, "Whether to compile by XLA.", flag_values=flag_values)
    flags.DEFINE_string("json", None, "File for the results as JSON.", flag_values=flag_values)


def resolve(flag_values=flags.FLAGS):
    """Returns the parsed flags' settings, with the model's sizes where they are silent.

    Raises:
      ValueError: the model has no levels.
    """
    model = flag_values.model
    if model == "nice" and flag_values.levels is not None:
        raise ValueError(f"Expected no levels for nice. Received: levels={flag_values.levels!r}")
    given = {name: flag_values[name].value for name in _SIZES}
    given = {name: value for name, value in given.items() if value is not None}
    sizes = {"levels": None, **DEFAULTS[model], **given}
    options = {name: flag_values[name].value for name in ("precision", "recompute", "jit")}
    return Settings(model=model, **sizes, **options)
