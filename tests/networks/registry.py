"""One row for each public class of tfflows.networks: what the tests of all of them run over."""

from typing import Any, NamedTuple

import keras
import numpy as np

from tfflows import networks

CHECKERBOARD = (np.indices((4, 4)).sum(0) + 1) % 2


class Row(NamedTuple):
    """A class, the arguments of a small layer that is not zero, and the shape of its inputs."""

    cls: type
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    takes_condition: bool = False


IMAGE = (6, 4, 4, 3)
ROWS = {
    "ActNorm": Row(networks.ActNorm, {"log_scale_factor": 2.0}, IMAGE),
    "ConvNet": Row(networks.ConvNet, {"channels_out": 4, "width": 5, "depth": 2}, IMAGE, True),
    "EdgeBiasConv2D": Row(networks.EdgeBiasConv2D, {"filters": 4, "use_bias": True}, IMAGE),
    "MLP": Row(networks.MLP, {"units": 4, "hidden": (5, 5), "zero_init": False}, (6, 3), True),
    "PriorNet": Row(networks.PriorNet, {"filters": 4}, IMAGE, True),
    "ResNet": Row(
        networks.ResNet,
        {
            "channels_out": 4,
            "width": 5,
            "blocks": 2,
            "mask": CHECKERBOARD,
            "input_gain": 2.0,
            "zero_init": False,
        },
        IMAGE,
        True,
    ),
    "WeightNormConv2D": Row(
        networks.WeightNormConv2D, {"filters": 4, "use_magnitude": True}, IMAGE
    ),
    "ZeroConv2D": Row(networks.ZeroConv2D, {"filters": 4}, IMAGE, True),
    "ZeroDense": Row(networks.ZeroDense, {"units": 4}, (6, 3)),
}


def make(name, *, condition_shape=None, randomize=True, **options) -> keras.layers.Layer:
    """The row's layer, built, with random values where a layer starts at zero."""
    row = ROWS[name]
    layer = row.cls(**row.arguments, **options)
    shape = (None, *row.shape[1:])
    layer.build(*((shape, condition_shape) if row.takes_condition else (shape,)))
    if randomize:
        randomize_zeros(layer)
    return layer


def randomize_zeros(layer, seed=0):
    """Gives every trainable variable that is zero small random values, so that it matters."""
    rng = np.random.default_rng(seed)
    for variable in layer.trainable_variables:
        if not np.any(variable.numpy()):
            variable.assign(0.3 * rng.standard_normal(variable.shape))


def inputs(name, seed=1, dtype="float32"):
    """A batch for the row's layer."""
    return np.random.default_rng(seed).standard_normal(ROWS[name].shape).astype(dtype)
