"""Flows as files of other runtimes, by these runtimes' own converters."""

import numbers
import os
import pathlib
import tempfile
import uuid

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from tfflows.export import protos
from tfflows.export.portable import PortableSignatures
from tfflows.export.saved_model import check_flow, export_saved_model

_SIGNATURES = ("log_prob", "encode", "decode")


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
    protos.check_path(path=path)
    with tempfile.TemporaryDirectory() as folder:
        saved = export_saved_model(flow, folder, portable=True)
        keys = sorted(n for n in _SIGNATURES if n in tf.saved_model.load(str(saved)).signatures)
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
    tf2onnx = _tf2onnx()
    check_flow(flow)
    protos.check_path(path=path)
    _check_opset(opset)
    functions = PortableSignatures(flow).concrete()
    if not isinstance(signature, str) or signature not in functions:
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


def _check_opset(opset):
    if isinstance(opset, bool) or not isinstance(opset, numbers.Integral) or opset < 1:
        raise ValueError(f"Expected opset to be an int of at least 1. Received: opset={opset!r}")


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
