"""Asks a TensorFlow server over REST, with NumPy, absl and the standard library.

python -m examples.serving.rest_client --model=demo --signature=sample --count=100 --output=x.npz
"""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
from absl import flags

from examples.serving import client, inputs


class Server:
    """The REST side of a server, as `client` wants it.

    Args:
      values: the flags' values.
    """

    def __init__(self, values):
        host, port, local = client.address(values.server)
        self.address, self._model = f"{host}:{port}", values.model
        self._url = f"http://{host}:{port}/v1/models/{urllib.parse.quote(values.model, safe='')}"
        if values.version is not None:
            self._url += f"/versions/{values.version}"
        if values.label is not None:
            self._url += f"/labels/{urllib.parse.quote(values.label, safe='')}"
        # The environment's proxies, which know nothing of this machine's own ports.
        proxies = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(*proxies)

    def signatures(self, seconds):
        """Returns the model's signatures."""
        answer = self._ask("/metadata", seconds)
        try:
            found = answer["metadata"]["signature_def"]["signature_def"]
            read = {name: _signature(signature) for name, signature in found.items()}
        except (KeyError, TypeError, ValueError) as error:
            raise self._strange(answer) from error
        return {name: signature for name, signature in read.items() if signature.inputs}

    def predict(self, name, signature, arrays, seconds):
        """Returns the answer to a batch."""
        body = {"signature_name": name, "inputs": {k: v.tolist() for k, v in arrays.items()}}
        answer = self._ask(":predict", seconds, json.dumps(body).encode())
        try:
            outputs = answer["outputs"]
            if len(signature.outputs) == 1:  # stands there without its name
                outputs = dict.fromkeys(signature.outputs, outputs)
            return {k: np.array(v, signature.outputs[k].dtype) for k, v in outputs.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._strange(answer) from error

    def close(self):
        """Nothing is open between two requests."""

    def _ask(self, path, seconds, body=None):
        request = urllib.request.Request(self._url + path, body)
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=seconds) as response:
                return json.loads(response.read())  # NaN too, which is no JSON but is sent
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from error
        except (urllib.error.URLError, ConnectionError, http.client.IncompleteRead) as error:
            reason = getattr(error, "reason", error)
            raise client.Unavailable(f"{self.address} is not reachable: {reason}") from error
        except TimeoutError as error:
            raise client.Unavailable(f"nothing from {self.address} in this time") from error
        except (http.client.HTTPException, ValueError) as error:
            raise self._strange(str(error)) from error

    def _refusal(self, error):
        """The exception for an answer that is an error."""
        text = error.read().decode(errors="replace")
        try:
            text = json.loads(text)["error"]
        except (ValueError, KeyError, TypeError):
            text = text[:200]  # of something between us and the server
        if error.code == 503:
            return client.Unavailable(f"{self.address} is not available: {text}")
        if error.code == 404:
            return client.ClientError(
                f"Expected a model of {self.address}. Received: model={self._model!r}: {text}"
            )
        return client.ClientError(
            f"Expected a request that {self.address} takes. Received: {error.code}, {text}"
        )

    def _strange(self, answer):
        return client.ClientError(
            f"Expected {self.address} to be the REST port of a TensorFlow server. "
            f"Received: {repr(answer)[:200]}"
        )


def _signature(read):
    sides = (read.get(side, {}) for side in ("inputs", "outputs"))
    return inputs.Signature(*({name: _tensor(info) for name, info in s.items()} for s in sides))


def _tensor(info):
    shape = info.get("tensor_shape", {})
    dims = tuple(int(dim["size"]) for dim in shape.get("dim", []))  # 64-bit integers are strings
    dtype = inputs.DTYPES.get(info["dtype"], info["dtype"])
    return inputs.Tensor(dtype, None if shape.get("unknown_rank") else dims)


def define(values):
    """Defines the program's flags."""
    client.define(values, port=8501)


def run(values=flags.FLAGS, **options):
    """Does what the flags say; returns the outputs."""
    return client.run(Server, values, **options)


if __name__ == "__main__":
    client.main("rest_client", define, Server)
