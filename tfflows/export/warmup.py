"""`write_warmup`: the requests that a TensorFlow server sends itself before it takes others'."""

import os
import pathlib
import uuid

import numpy as np
import tensorflow as tf

from tfflows.export import protos
from tfflows.export.servable import check_servable

_FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")
_MOST = 1000  # records that a server reads


def write_warmup(path, examples=None, batch_sizes=(1,)):
    """Writes warm-up requests into a SavedModel, for every signature and batch size.

    A server answers them when it loads the model, so that the first client does not wait for
    TensorFlow's kernels to be prepared. A request that fails makes the server refuse the model: so
    each is answered here first. The requests are `PredictionLog`s in
    `assets.extra/tf_serving_warmup_requests`, which is replaced.

    Needs the package tensorflow-serving-api (`pip install 'tfflows[serving]'`).

    Args:
      path: Folder of a SavedModel of `export_saved_model`.
      examples: Dict of arrays `[n, ...]` by the names of inputs, n at least 1, of which rows are
        taken in turn; zeros for inputs that it lacks.
      batch_sizes: Numbers of rows, those that the server's batching file allows.

    Returns:
      Path of the file.

    Raises:
      ImportError: if the package is missing.
      ValueError: if a server would not serve the model, an example is no signature's input or not
        of its shape, or there are more than 1,000 requests.
    """
    log = _logs()
    problems = check_servable(path)
    if problems:
        raise ValueError(
            f"Expected path to be a model that a server serves. Received: path={str(path)!r}: "
            f"{' '.join(problems)}"
        )
    _check_batch_sizes(batch_sizes)
    signatures = _signatures(path)
    requests = [
        (name, _inputs(signatures[name], examples or {}, rows))
        for name in sorted(signatures)
        for rows in batch_sizes
    ]
    _check_requests(requests, signatures, examples or {})
    _answer(path, requests)
    file = pathlib.Path(path) / _FILE
    file.parent.mkdir(exist_ok=True)
    partial = file.with_name(f".{uuid.uuid4().hex}")
    try:
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for name, values in requests:
                writer.write(log(name, values).SerializeToString())
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
    return file


def _signatures(path):
    (meta,) = (m for m in protos.read(path).meta_graphs if list(m.meta_info_def.tags) == ["serve"])
    return {name: s for name, s in meta.signature_def.items() if s.inputs}


def _inputs(signature, examples, rows):
    return {
        name: _rows(name, info, examples.get(name), rows) for name, info in signature.inputs.items()
    }


def _rows(name, info, example, rows):
    shape = [dim.size for dim in info.tensor_shape.dim][1:]
    dtype = tf.dtypes.as_dtype(info.dtype).as_numpy_dtype
    if example is None:
        return np.zeros([rows, *shape], dtype)
    example = np.asarray(example)
    if not example.shape or not len(example) or list(example.shape[1:]) != shape:
        raise ValueError(
            f"Expected examples of {name} of shape [n, {', '.join(map(str, shape))}]. "
            f"Received: examples[{name!r}].shape={example.shape}"
        )
    return example[np.arange(rows) % len(example)].astype(dtype)


def _check_batch_sizes(batch_sizes):
    sizes = list(batch_sizes) if isinstance(batch_sizes, list | tuple) else [batch_sizes]
    whole = [isinstance(n, int | np.integer) and not isinstance(n, bool) and n > 0 for n in sizes]
    if not isinstance(batch_sizes, list | tuple) or not sizes or not all(whole):
        raise ValueError(
            "Expected batch_sizes to be a list of ints of at least 1. "
            f"Received: batch_sizes={batch_sizes!r}"
        )


def _check_requests(requests, signatures, examples):
    if len(requests) > _MOST:
        raise ValueError(
            f"Expected at most {_MOST} requests, of each signature in each batch size. "
            f"Received: {len(requests)}"
        )
    known = {name for signature in signatures.values() for name in signature.inputs}
    if not set(examples) <= known:
        raise ValueError(
            f"Expected examples of the inputs {', '.join(sorted(known))}. "
            f"Received: examples of {', '.join(sorted(set(examples) - known))}"
        )


def _answer(path, requests):
    loaded = tf.saved_model.load(str(path)).signatures
    for name, values in requests:
        try:
            loaded[name](**{key: tf.constant(value) for key, value in values.items()})
        except tf.errors.OpError as error:
            raise ValueError(
                f"Expected requests that the model answers. Received: one of {name}, {error}"
            ) from error


def _logs():
    """The function that makes a `PredictionLog` of a request; its package is optional."""
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError as error:
        raise ImportError(
            "Expected the package tensorflow-serving-api for warm-up requests: "
            f"pip install 'tfflows[serving]'. Received: {error}"
        ) from error

    def log(name, values):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "default"
        request.model_spec.signature_name = name
        for key, value in values.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        predict = prediction_log_pb2.PredictLog(request=request)
        return prediction_log_pb2.PredictionLog(predict_log=predict)

    return log
