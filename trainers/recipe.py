"""`Recipe`: what a model's program hands to the shared loop."""

import collections.abc
import dataclasses

from tfflows import data


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A model and the values of its flags.

    A flag that the command leaves out gets its value from the first of these that has one: `smoke`
    (with --smoke), the defaults of the dataset, of its kind, and of all models.

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

    def values(self, dataset, *, smoke=False):
        """Returns the values of flags that are left out, for a dataset.

        Raises:
          ValueError: the model cannot have data of this kind.
        """
        kind = "points" if dataset in data.DENSITIES else "images"
        if kind not in self.defaults:
            raise ValueError(
                f"Expected an image dataset for {self.name}. Received: dataset={dataset!r}"
            )
        values = {**self.defaults[kind], **self.defaults.get(dataset, {})}
        return {**values, **_SMOKE, **self.smoke} if smoke else values


_SMOKE = {
    "epochs": 2,
    "steps_per_epoch": 2,
    "batch_size": 16,
    "warmup_steps": 1,
    "samples_every": 1,
}
