"""tfflows: flow models for TensorFlow and Keras 3, with exact density, sampling and encoding."""

from tfflows import bijectors, data, export, metrics, models, networks
from tfflows.export import export_saved_model
from tfflows.models import NICE, Flow, Glow, RealNVP, VariationalDequantizer, update_moments
from tfflows.version import __version__

__all__ = [
    "NICE",
    "Flow",
    "Glow",
    "RealNVP",
    "VariationalDequantizer",
    "__version__",
    "bijectors",
    "data",
    "export",
    "export_saved_model",
    "metrics",
    "models",
    "networks",
    "update_moments",
]
