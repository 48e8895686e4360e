"""tfflows: flow models for TensorFlow and Keras 3, with exact density, sampling and encoding."""

import importlib
from typing import TYPE_CHECKING

from tfflows import keras_names
from tfflows.version import __version__

if TYPE_CHECKING:  # names for tools; when run, each room is imported at its first use
    from tfflows import bijectors, data, export, metrics, models, networks
    from tfflows.export import (
        check_servable,
        export_saved_model,
        load_distribution,
        to_litert,
        to_onnx,
        write_warmup,
    )
    from tfflows.models import NICE, Flow, Glow, RealNVP, VariationalDequantizer, update_moments

__all__ = [
    "NICE",
    "Flow",
    "Glow",
    "RealNVP",
    "VariationalDequantizer",
    "__version__",
    "bijectors",
    "check_servable",
    "data",
    "export",
    "export_saved_model",
    "load_distribution",
    "metrics",
    "models",
    "networks",
    "to_litert",
    "to_onnx",
    "update_moments",
    "write_warmup",
]

_ROOMS = ("bijectors", "data", "export", "metrics", "models", "networks")
_ROOM_OF = {
    **dict.fromkeys(
        ("NICE", "Flow", "Glow", "RealNVP", "VariationalDequantizer", "update_moments"), "models"
    ),
    **dict.fromkeys(
        (
            "check_servable",
            "export_saved_model",
            "load_distribution",
            "to_litert",
            "to_onnx",
            "write_warmup",
        ),
        "export",
    ),
}

keras_names.register()


def __getattr__(name):
    """Imports a room at its first use: who loads an exported flow needs none of the models."""
    if name in _ROOMS:
        return importlib.import_module(f"tfflows.{name}")
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'tfflows' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"tfflows.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
