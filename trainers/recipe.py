"""`Recipe`: what a model's program hands to the shared loop."""

import collections.abc
import dataclasses

from tfflows import data


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A model and the values of its flags.

    A flag that the command leaves out gets its value from the first of these that has one: `smoke`
    (with --smoke), the preset (with --preset) or else the defaults of the dataset, the defaults of
    its kind, and of all models. A flag of the model that none of them has is left to its
    constructor.

    Attributes:
      model: class of the model, called with `event_shape`, `bins` and its flags by name.
      define_flags: defines the model's own flags, given `flag_values`; with default None.
      defaults: flag values by the name of a dataset or its kind, "images" or "points". A kind that
        is missing is one that the model cannot have.
      smoke: values that make the run a matter of seconds.
    """

    model: type
    define_flags: collections.abc.Callable
    defaults: dict
    smoke: dict

    @property
    def name(self):
        """The model's name in commands and files."""
        return self.model.__name__.lower()

    def dataset(self, preset=None):
        """Returns the dataset of a command that names none: its preset's, or the digits.

        Raises:
          ValueError: TFDS does not have the preset's data.
        """
        if preset is None:
            return DATASET
        dataset = self.model.presets.find(preset).training["dataset"]
        if dataset is None:
            raise ValueError(
                f"Expected a dataset for preset={preset!r}, whose own is none of TFDS with images "
                "of one size. Received: dataset=None"
            )
        return dataset

    def values(self, dataset, *, preset=None, smoke=False):
        """Returns the values of flags that are left out, for a dataset and a preset, if any.

        Raises:
          ValueError: the model cannot have data of this kind, or there is no such preset.
        """
        kind = "points" if dataset in data.DENSITIES else "images"
        if kind not in self.defaults:
            raise ValueError(
                f"Expected an image dataset for {self.name}. Received: dataset={dataset!r}"
            )
        own = self.defaults.get(dataset, {}) if preset is None else self.of_preset(preset)
        values = {**self.defaults[kind], **own}
        if dataset == DATASET:
            values.pop("bits", None)  # as the digits do not have 256 gray values
        return {**values, **_SMOKE, **self.smoke} if smoke else values

    def of_preset(self, name):
        """Returns what a preset sets by name; what is no flag of it, the data brings along."""
        preset = self.model.presets.find(name)
        values = {**preset.arguments, **preset.training}
        return {name: value for name, value in values.items() if value is not None}


DATASET = "digits"
_SMOKE = {
    "epochs": 2,
    "steps_per_epoch": 2,
    "batch_size": 16,
    "warmup_steps": 1,
    "samples_every": 1,
}
