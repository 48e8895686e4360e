"""SavedModels for serving: plain TensorFlow graphs with one form of signature for all flows."""

from tfflows.export.converters import to_litert, to_onnx
from tfflows.export.distribution import load_distribution
from tfflows.export.saved_model import export_saved_model
from tfflows.export.servable import check_servable
from tfflows.export.warmup import write_warmup

__all__ = [
    "check_servable",
    "export_saved_model",
    "load_distribution",
    "to_litert",
    "to_onnx",
    "write_warmup",
]
