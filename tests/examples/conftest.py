"""One export and its two servers for all tests of the clients."""

import keras
import numpy as np
import pytest
from absl import flags

import tfflows
from examples.serving import grpc_client, rest_client
from tests.examples import stand_in
from tests.models import flows

CLIENTS = {"rest": rest_client, "grpc": grpc_client}


@pytest.fixture(scope="session")
def flow():
    """A small flow with every signature."""
    keras.utils.set_random_seed(0)
    flow = flows.trained("nice")
    flow.calibrate(flows.images(50))
    return flow


@pytest.fixture(scope="session")
def served(flow, tmp_path_factory):
    """The stand-in's model, its ports by protocol."""
    folder = tmp_path_factory.mktemp("served")
    path = tfflows.export_saved_model(flow, folder, max_batch_size=100_000)
    model = stand_in.Model(path)
    with stand_in.serving(model) as ports:
        yield model, ports


@pytest.fixture
def model(served):
    """The stand-in's model, in order and with nothing counted."""
    served[0].busy = 0
    served[0].sizes.clear()
    return served[0]


class Asked:
    """A client of one protocol, asked in this process.

    Attributes:
      port: of the server.
      lines: of the summaries.
    """

    def __init__(self, kind, port, folder):
        self.kind, self.port, self.lines = kind, port, []
        self._folder = folder

    def __call__(self, *arguments, arrays=None, stream=None):
        """Runs the client with flags, and arrays as inputs; returns the outputs."""
        values = flags.FlagValues()
        CLIENTS[self.kind].define(values)
        files = []
        if arrays:
            np.savez(self._folder / "inputs.npz", **arrays)
            files = [f"--input={self._folder / 'inputs.npz'}"]
        server = f"--server=127.0.0.1:{self.port}"
        values(["client", server, "--model=flow", *files, *map(str, arguments)])
        return CLIENTS[self.kind].run(values, say=self.lines.append, stream=stream)


@pytest.fixture(params=sorted(CLIENTS))
def ask(request, served, model, tmp_path):
    """A client of each protocol."""
    return Asked(request.param, served[1][request.param], tmp_path)
