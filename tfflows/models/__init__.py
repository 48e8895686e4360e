"""Flows as Keras models: compositions of bijectors, networks and base distributions."""

from tfflows.models.calibration import Calibration
from tfflows.models.diagnosis import first_non_finite
from tfflows.models.flow import Flow
from tfflows.models.glow import Glow
from tfflows.models.moments import update_moments
from tfflows.models.nice import NICE
from tfflows.models.presets import Preset
from tfflows.models.realnvp import RealNVP
from tfflows.models.refusals import DataError
from tfflows.models.variational import VariationalDequantizer

__all__ = [
    "NICE",
    "Calibration",
    "DataError",
    "Flow",
    "Glow",
    "Preset",
    "RealNVP",
    "VariationalDequantizer",
    "first_non_finite",
    "update_moments",
]
