"""What the named models share: their configuration, preprocessing and base distributions."""

import inspect
import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors
from tfflows.models import inputs
from tfflows.models.flow import Flow
from tfflows.models.presets import Presets
from tfflows.models.variational import VariationalDequantizer

tfd = tfp.distributions


class NamedFlow(Flow):
    """A `Flow` that is rebuilt from its constructor's arguments, each kept as an attribute.

    Args:
      arguments: The subclass's arguments by name.
      layers: Bijectors from data to latent, the last with a vector as its latent.
      base: "normal" or "logistic", the distribution of each latent element.
    """

    presets = Presets()  # each model has its own

    @classmethod
    def preset(cls, preset, /, **overrides):
        """Returns a fresh model with the arguments of one of `presets`, as far as not overridden.

        Args:
          preset: Name of the preset.
          **overrides: Arguments of the constructor.

        Raises:
          ValueError: if there is no such preset, or the constructor refuses the arguments.
        """
        found = cls.presets.find(preset)
        return cls(**{"event_shape": found.event_shape, **found.arguments, **overrides})

    def __init__(self, arguments, layers, base="normal"):
        arguments = {**arguments, "dequantizer": _dequantizer(arguments)}
        bijector = bijectors.Composite(layers, name="flow")
        distribution = tfd.TransformedDistribution(
            _base(base, bijector.latent_shape, arguments["dtype"]), bijector, name="density"
        )
        super().__init__(
            distribution,
            bins=arguments["bins"],
            dequantizer=arguments["dequantizer"],
            name=arguments["name"],
            dtype=arguments["dtype"],
        )
        for name, value in arguments.items():
            if name not in ("self", "name", "dtype", "event_shape", "__class__"):
                setattr(self, name, value)

    def get_config(self):
        """Returns the constructor's arguments."""
        names = [name for name in inspect.signature(type(self)).parameters]
        config = {name: getattr(self, name) for name in names}
        if self.dequantizer is not None:
            config["dequantizer"] = keras.saving.serialize_keras_object(self.dequantizer)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Returns the model of a configuration, with a dequantizer of its own."""
        if isinstance(config.get("dequantizer"), dict):
            dequantizer = keras.saving.deserialize_keras_object(config["dequantizer"])
            config = {**config, "dequantizer": dequantizer}
        return super().from_config(config, custom_objects)


def check_event_shape(event_shape, ranks):
    """Returns the shape of a vector of at least 2 elements or of an image, as a tuple."""
    dims = bijectors.checks.shape(event_shape, "event_shape")
    if len(dims) not in ranks or math.prod(dims) < 2:
        kinds = {1: "(dim,)", 3: "(height, width, channels)"}
        expected = " or ".join(kinds[rank] for rank in ranks)
        raise ValueError(
            f"Expected event_shape {expected}, of at least 2 elements. "
            f"Received: event_shape={event_shape!r}"
        )
    return dims


def check_levels(event_shape, levels, unsqueezed=0):
    """Returns the number of levels as an int, if the squeezes of all but some divide the image."""
    levels = bijectors.checks.integer(levels, "levels")
    squeezes = levels - unsqueezed
    height, width, _ = event_shape
    if levels > 32 or height % 2**squeezes or width % 2**squeezes:
        raise ValueError(
            f"Expected levels={levels} to fit: height and width divisible by 2**{squeezes}. "
            f"Received: event_shape={event_shape}, levels={levels}"
        )
    return levels


def resolve_bins(bins, event_shape):
    """Returns 256 for images and None for vectors where `bins` is "auto"."""
    if isinstance(bins, str) and bins == "auto":
        return 256 if len(event_shape) == 3 else None
    return None if bins is None else inputs.check_bins(bins)


def check_condition_shape(condition_shape):
    """Refuses conditions other than vectors, which fit every level; None is none."""
    if condition_shape is None:
        return
    dims = bijectors.checks.shape(condition_shape, "condition_shape")
    if len(dims) != 1 or not isinstance(condition_shape, list | tuple | tf.TensorShape):
        raise ValueError(
            "Expected condition_shape to be that of a vector, (size,), or None. "
            f"Received: condition_shape={condition_shape!r}"
        )


def network_dtype(precision, dtype):
    """Returns the Keras dtype policy of the networks of a model."""
    own = tf.as_dtype(dtype).name
    options = [own, *(["mixed_bfloat16"] if own == "float32" else [])]
    if precision is None:
        return dtype
    if not isinstance(precision, str | type | tf.DType) or not (
        precision in options or precision == dtype
    ):
        raise ValueError(
            f"Expected precision to be one of {options}, or None, for dtype={own!r}. "
            f"Received: precision={precision!r}"
        )
    return precision


def rescale(event_shape, bins, low=0.0, high=1.0):
    """Returns the layers that map the scale `[0, bins)` to `[low, high)`; none without bins."""
    return [] if bins is None else [bijectors.Rescale(event_shape, (high - low) / bins, low)]


def build(network, shape, condition_shape):
    """Builds a conditioner for inputs of a shape, and returns it."""
    condition = None if condition_shape is None else (None, *condition_shape)
    network.build((None, *shape), condition)
    return network


def _dequantizer(arguments):
    """The dequantizer that the arguments ask for by the word "variational", or what they have."""
    given, bins, dtype = (arguments[name] for name in ("dequantizer", "bins", "dtype"))
    if not isinstance(given, str):
        return given
    bijectors.checks.choice(given, "dequantizer", {"variational"})
    if bins is None:
        raise ValueError("Expected bins with a dequantizer. Received: bins=None")
    policy = network_dtype(arguments["precision"], dtype)
    return VariationalDequantizer(arguments["event_shape"], bins, dtype=policy)


def _base(name, shape, dtype):
    bijectors.checks.choice(name, "base", {"normal", "logistic"})
    kind = tfd.Normal if name == "normal" else tfd.Logistic
    zeros = tf.zeros(shape, dtype)
    return tfd.Independent(kind(zeros, tf.ones_like(zeros)), len(shape), name="base")
