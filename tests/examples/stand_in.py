"""A stand-in for TensorFlow Serving, which cannot be run here: its wire formats, a real model.

REST is Python's http.server and gRPC a grpc.server with TensorFlow Serving's own service and
messages; both answer from an export that `tf.saved_model.load` has loaded. Paths, bodies, codes and
messages are written after the server's documentation and source (http_rest_api_handler.cc and
json_tensor.cc), by us: what the real server does beyond these is not tested here.
"""

import concurrent.futures
import contextlib
import http.server
import json
import re
import threading

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tfflows.export import protos

_PATH = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([\w-]+))?(|/metadata|:predict)")
_CODES = {"UNAVAILABLE": 503, "NOT_FOUND": 404, "INVALID_ARGUMENT": 400}


class Refusal(Exception):
    """An error of the server's, with the name of its code."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Model:
    """An export under the name `flow`, version 7 with the label `stable`.

    Attributes:
      busy: how many of the next requests are refused because of a full queue.
      sizes: rows of the requests that were answered.
    """

    def __init__(self, path):
        self._loaded = tf.saved_model.load(str(path)).signatures
        (meta,) = protos.read(path).meta_graphs
        self.map = get_model_metadata_pb2.SignatureDefMap(signature_def=dict(meta.signature_def))
        self.busy, self.sizes = 0, []

    def check(self, name, version, label):
        """Refuses another model, and any while the server is busy."""
        if self.busy:
            self.busy -= 1
            raise Refusal("UNAVAILABLE", "The batch scheduling queue is full")
        if label not in (None, "", "stable"):
            raise Refusal("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
        if name != "flow" or version not in (None, 7):
            raise Refusal("NOT_FOUND", f"Servable not found for request: {name}, {version}")

    def inputs(self, signature):
        """Returns the inputs of a signature as numpy dtypes."""
        found = self.map.signature_def.get(signature)
        if found is None:
            raise Refusal("INVALID_ARGUMENT", f'Serving signature "{signature}" not found')
        return {k: tf.as_dtype(i.dtype).as_numpy_dtype for k, i in found.inputs.items()}

    def predict(self, signature, arrays):
        """Returns arrays for arrays."""
        for key, dtype in self.inputs(signature).items():
            if key not in arrays or arrays[key].dtype != dtype:
                raise Refusal("INVALID_ARGUMENT", "input does not match the signature")
        try:
            answer = self._loaded[signature](**{k: tf.constant(v) for k, v in arrays.items()})
        except (tf.errors.OpError, ValueError) as error:
            raise Refusal("INVALID_ARGUMENT", str(error)) from error
        self.sizes.append(len(next(iter(arrays.values()))))
        return {key: value.numpy() for key, value in answer.items()}


def rest_answer(model, path, body):
    """Returns what REST answers, an object for JSON."""
    match = _PATH.fullmatch(path)
    if match is None or (match[4] == ":predict") != (body is not None):
        raise Refusal("INVALID_ARGUMENT", f"Malformed request: {path}")
    model.check(match[1], match[2] and int(match[2]), match[3])
    if not match[4]:
        return {"model_version_status": [{"version": "7", "state": "AVAILABLE"}]}
    if body is None:
        options = {
            "preserving_proto_field_name": True,
            "always_print_fields_with_no_presence": True,
        }
        return {
            "model_spec": {"name": match[1], "signature_name": "", "version": "7"},
            "metadata": {"signature_def": json_format.MessageToDict(model.map, **options)},
        }
    request = json.loads(body)
    name = request.get("signature_name", "serving_default")
    dtypes, given = model.inputs(name), request["inputs"]
    if not isinstance(given, dict):
        given = dict.fromkeys(dtypes, given)  # the only input stands there without its name
    arrays = {key: _parsed(given[key], dtype) for key, dtype in dtypes.items() if key in given}
    outputs = {key: value.tolist() for key, value in model.predict(name, arrays).items()}
    return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}


def _parsed(values, dtype):
    array = np.array(values)
    if np.dtype(dtype).kind == "i" and array.dtype.kind != "i":
        raise Refusal("INVALID_ARGUMENT", f"JSON Value: is not of expected type: {dtype}")
    return array.astype(dtype)


def _handler(model):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(None)

        def do_POST(self):
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body):
            try:
                code, answer = 200, rest_answer(model, self.path, body)
            except Refusal as error:
                code, answer = _CODES[error.code], {"error": str(error)}
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())  # with NaN as a bare token

        def log_message(self, *_):
            """Says nothing."""

    return Handler


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model):
        self._model = model

    def GetModelMetadata(self, request, context):
        with _aborting(context):
            self._check(request.model_spec)
            answer = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=request.model_spec)
            for field in request.metadata_field:
                answer.metadata[field].Pack(self._model.map)
            return answer

    def Predict(self, request, context):
        with _aborting(context):
            self._check(request.model_spec)
            name = request.model_spec.signature_name or "serving_default"
            arrays = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            answer = predict_pb2.PredictResponse(model_spec=request.model_spec)
            for key, value in self._model.predict(name, arrays).items():
                answer.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return answer

    def _check(self, spec):
        version = spec.version.value if spec.HasField("version") else None
        self._model.check(spec.name, version, spec.version_label)


@contextlib.contextmanager
def _aborting(context):
    try:
        yield
    except Refusal as error:
        context.abort(grpc.StatusCode[error.code], str(error))


@contextlib.contextmanager
def serving(model):
    """Context of both servers; gives their ports."""
    rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(model))
    thread = threading.Thread(target=rest.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    executor = concurrent.futures.ThreadPoolExecutor(2)
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(executor, options=options)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Service(model), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield {"rest": rest.server_port, "grpc": port}
    finally:
        server.stop(None).wait()
        executor.shutdown()
        rest.shutdown()
        thread.join()
        rest.server_close()
