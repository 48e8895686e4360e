"""tfflows: flow models for TensorFlow and Keras 3, with exact density, sampling and encoding."""

from tfflows import bijectors, data, metrics, models, networks
from tfflows.models import NICE, Flow, Glow, RealNVP
from tfflows.version import __version__

__all__ = [
    "NICE",
    "Flow",
    "Glow",
    "RealNVP",
    "__version__",
    "bijectors",
    "data",
    "metrics",
    "models",
    "networks",
]
