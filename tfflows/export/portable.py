"""Flows in the form that converters take: constant matrices, no random operations, no checks."""

import functools
import os
import pathlib
import tempfile
import uuid

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from tfflows import metrics
from tfflows.export.rows import Rows
from tfflows.export.signatures import condition_rows

PORTABLE = ("log_prob", "encode", "decode")


class PortableSignatures(tf.Module):
    """A flow's densities and latents, in operations that other runtimes have.

    Args:
      flow: A `Flow`.
    """

    def __init__(self, flow):
        super().__init__(name="flow")
        self.flow_variables = list({id(v.value): v.value for v in flow.variables}.values())
        self._signatures = {name: _traced(flow, *parts) for name, parts in _functions(flow).items()}

    def concrete(self):
        """Returns the signatures by name."""
        return {**self._signatures, "serving_default": self._signatures["log_prob"]}


def to_litert(flow, path):
    """Writes a flow as a LiteRT (TensorFlow Lite) file.

    It has the signatures `log_prob`, `encode` and `decode` of
    `export_saved_model(..., portable=True)`. Samples are `decode` of latents that the application
    draws. Needs nothing but TensorFlow to write; the package ai-edge-litert runs it.

    Args:
      flow: A `Flow`, its data-dependent parts started.
      path: File to write, in a folder that is there.

    Returns:
      The path.

    Raises:
      TypeError, ValueError: as `export_saved_model`.
    """
    from tfflows.export.saved_model import export_saved_model

    with tempfile.TemporaryDirectory() as folder:
        saved = export_saved_model(flow, folder, portable=True)
        keys = sorted(n for n in PORTABLE if n in tf.saved_model.load(str(saved)).signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=keys)
        content = converter.convert()
    return _write(path, content)


def to_onnx(flow, path, signature="log_prob", opset=17):
    """Writes a signature of a flow as an ONNX file.

    Needs the package tf2onnx (`pip install 'tfflows[onnx]'`); onnxruntime runs it.

    Args:
      flow: A `Flow`, its data-dependent parts started.
      path: File to write, in a folder that is there.
      signature: "log_prob", "encode" or "decode", of `export_saved_model(..., portable=True)`.
      opset: Version of ONNX's operations.

    Returns:
      The path.

    Raises:
      ImportError: if the package is missing.
      TypeError, ValueError: as `export_saved_model`, or for a signature that the flow has not.
    """
    from tfflows.export.saved_model import check_flow

    tf2onnx = _tf2onnx()
    check_flow(flow)
    functions = PortableSignatures(flow).concrete()
    if signature not in functions:
        known = sorted(set(functions) - {"serving_default"})
        raise ValueError(f"Expected signature in {known}. Received: signature={signature!r}")
    function = functions[signature]
    frozen = convert_to_constants.convert_variables_to_constants_v2(function)
    inputs = {f"{name}:0": name for name in function.structured_input_signature[1]}
    outputs = {t.name: n for n, t in _named(function.structured_outputs, frozen.outputs).items()}
    proto, _ = tf2onnx.convert.from_graph_def(
        frozen.graph.as_graph_def(),
        name=signature,
        opset=opset,
        input_names=list(inputs),
        output_names=list(outputs),
        tensors_to_rename={**inputs, **outputs},
    )
    return _write(path, proto.SerializeToString())


def _functions(flow):
    """The functions by name, each with its inputs."""
    x, given = {"x": Rows(tf.float32, flow.event_shape)}, condition_rows(flow)
    functions = {"log_prob": (_log_prob(flow), {**x, **given})}
    if flow.latent_shape is not None:
        z = {"z": Rows(tf.float32, flow.latent_shape)}
        functions["encode"] = (_encode(flow), {**x, **given})
        functions["decode"] = (_decode(flow), {**z, **given})
    return functions


def _log_prob(flow):
    def log_prob(x, condition=None):
        log_prob = _now(flow, "_log_prob")(x, _known(flow, condition), x.shape.rank)
        bits = metrics.bits_per_dim(log_prob, flow.event_shape)
        return {"log_prob": log_prob, "bits_per_dim": bits}

    return log_prob


def _encode(flow):
    def encode(x, condition=None):
        z, log_prob = _now(flow, "_encode")(x, _known(flow, condition), x.shape.rank)
        return {"z": z, "log_prob": log_prob}

    return encode


def _decode(flow):
    def decode(z, condition=None):
        return {"x": _now(flow, "_decode")(z, _known(flow, condition), z.shape.rank)}

    return decode


def _now(flow, name):
    """A method of a flow, traced anew: its `tf.function` may remember a graph for servers."""
    return functools.partial(getattr(type(flow), name).python_function, flow)


def _known(flow, condition):
    """The condition as networks take it; a label that is none becomes NaN."""
    if condition is None or flow.classes is None:
        return condition
    from tfflows.models import labels

    return labels.one_hot(tf.cast(condition, tf.int64), flow.classes, flow.variable_dtype)


def _traced(flow, function, inputs):
    def cast(**values):
        floats = {
            n: tf.cast(v, flow.variable_dtype) for n, v in values.items() if v.dtype.is_floating
        }
        return {n: tf.cast(v, tf.float32) for n, v in function(**{**values, **floats}).items()}

    specs = {name: rows.spec(name) for name, rows in inputs.items()}
    from tfflows.bijectors.portable import portable  # here, as who loads an export needs none

    with portable():
        return tf.function(cast, autograph=False).get_concrete_function(**specs)


def _named(structure, tensors):
    """Tensors of a function by the names of its outputs."""
    return tf.nest.pack_sequence_as(structure, tensors)


def _tf2onnx():
    """The converter; its package is optional."""
    try:
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            "Expected the package tf2onnx for ONNX files: pip install 'tfflows[onnx]'. "
            f"Received: {error}"
        ) from error
    return tf2onnx


def _write(path, content):
    """Writes a file, whole or not at all."""
    path = pathlib.Path(path)
    partial = path.with_name(f".{uuid.uuid4().hex}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path
