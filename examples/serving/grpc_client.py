"""Asks a TensorFlow server over gRPC: float arrays take a third of JSON's bytes and no parsing.

python -m examples.serving.grpc_client --model=demo --signature=sample --count=100 --output=x.npz

Needs tensorflow-serving-api, which brings grpcio. Its messages are made of TensorFlow's, so that
importing them imports TensorFlow; tensors are therefore made by TensorFlow's own functions too.
"""

import os

# Before TensorFlow: fewer of its remarks on stderr. It makes a few whatever is set here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import tensorflow as tf
from absl import flags
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from examples.serving import client, inputs


class Server:
    """The gRPC side of a server, as `client` wants it.

    Args:
      values: the flags' values.
    """

    def __init__(self, values):
        host, port, local = client.address(values.server)
        self.address, self._values = f"{host}:{port}", values
        options = [
            ("grpc.max_receive_message_length", values.max_message_mb * 2**20),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 5000),
            *([("grpc.enable_http_proxy", 0)] if local else []),
        ]
        self._channel = grpc.insecure_channel(self.address, options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def signatures(self, seconds):
        """Returns the model's signatures."""
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        request.metadata_field.append("signature_def")
        answer = self._ask(self._stub.GetModelMetadata, request, seconds)
        found = get_model_metadata_pb2.SignatureDefMap()
        if not answer.metadata["signature_def"].Unpack(found):
            raise client.ClientError(
                f"Expected {self.address} to say what its model takes. Received: {answer}"
            )
        return {
            name: inputs.Signature(_tensors(signature.inputs), _tensors(signature.outputs))
            for name, signature in found.signature_def.items()
            if signature.inputs
        }

    def predict(self, name, signature, arrays, seconds):
        """Returns the answer to a batch."""
        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = name
        for key, value in arrays.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        answer = self._ask(self._stub.Predict, request, seconds)
        return {key: tf.make_ndarray(value) for key, value in answer.outputs.items()}

    def close(self):
        """Closes the connection."""
        self._channel.close()

    def _ask(self, method, request, seconds):
        request.model_spec.name = self._values.model
        if self._values.version is not None:
            request.model_spec.version.value = self._values.version
        if self._values.label is not None:
            request.model_spec.version_label = self._values.label
        try:
            return method(request, timeout=seconds)
        except grpc.RpcError as error:
            raise self._refusal(error.code(), error.details()) from error

    def _refusal(self, code, text):
        """The exception for an answer that is an error."""
        if code == grpc.StatusCode.UNAVAILABLE:
            return client.Unavailable(f"{self.address} is not available: {text}")
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return client.Unavailable(f"nothing from {self.address} in this time")
        if code == grpc.StatusCode.NOT_FOUND:
            return client.ClientError(
                f"Expected a model of {self.address}. "
                f"Received: model={self._values.model!r}: {text}"
            )
        if code == grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text:
            return client.ClientError(
                "Expected answers of at most --max_message_mb, else a smaller --batch_size. "
                f"Received: max_message_mb={self._values.max_message_mb}: {text}"
            )
        return client.ClientError(
            f"Expected a request that {self.address} takes. Received: {code.name}, {text}"
        )


def _tensors(infos):
    return {name: _tensor(info) for name, info in infos.items()}


def _tensor(info):
    name, shape = types_pb2.DataType.Name(info.dtype), info.tensor_shape
    dims = None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
    return inputs.Tensor(inputs.DTYPES.get(name, name), dims)


def define(values):
    """Defines the program's flags."""
    client.define(values, port=8500)
    text = "Largest answer in MB; gRPC's own bound is 4."
    flags.DEFINE_integer("max_message_mb", 64, text, 1, 2047, flag_values=values)


def run(values=flags.FLAGS, **options):
    """Does what the flags say; returns the outputs."""
    return client.run(Server, values, **options)


if __name__ == "__main__":
    client.main("grpc_client", define, Server)
