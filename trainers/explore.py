"""Serves a web page to look at a run's best model, until it is interrupted.

python -m trainers.explore --workdir=runs/glow

The page draws samples by temperature, decodes what lies between two encodings, and tells the bits
per dimension and the anomaly score of an image that is dropped on it. It is for this machine alone
unless --host says otherwise; it has no authentication.
"""

import contextlib
import pathlib
import socket

import numpy as np
from absl import flags
from werkzeug import serving

import tfflows
from tfflows import data
from trainers import finished, program, reading, report, stream, workdir
from trainers import flags as trainer_flags
from trainers.explorer import app, gallery, plane

_LOOPBACK = {"127.0.0.1": {"127.0.0.1", "localhost"}, "localhost": {"127.0.0.1", "localhost"}}
_EXAMPLES = 24


def main():
    """Runs the program."""
    _define(flags.FLAGS)

    def work():
        values = flags.FLAGS
        with program.users_errors("explore", ValueError, TypeError, OSError):
            server = make_server(
                values.workdir, data_dir=values.data_dir, host=values.host, port=values.port
            )
        host, port = server.server_address[:2]
        print(f"Exploring {values.workdir}: http://{host}:{port}/ (Ctrl-C ends)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
        server.server_close()

    program.run("explore", work)


def make_server(folder, *, data_dir=None, host="127.0.0.1", port=0):
    """Returns the server of the page for the best model of a run.

    Args:
      folder: the run's workdir.
      data_dir: folder of the prepared TFDS datasets; None for TFDS's own. Where the run's dataset
        is not there, samples of the model stand in for its examples.
      host: address to listen on.
      port: port; 0 for a free one.

    Raises:
      ValueError: the folder has no run, or the address is taken or not this machine's.
    """
    with contextlib.closing(_listening(host, port)) as listening:
        application = _application(folder, data_dir, host)
        options = {"threaded": True, "request_handler": _Quiet, "fd": listening.fileno()}
        return serving.make_server(*listening.getsockname()[:2], application, **options)


class _Quiet(serving.WSGIRequestHandler):
    """Writes no line for each request that is answered."""

    def log_request(self, code="-", size="-"):
        pass


def _listening(host, port):
    """A socket that listens, which is refused before anything is loaded."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise ValueError(
            "Expected host and port to be a free address of this machine. "
            f"Received: host={host!r}, port={port}: {error.strerror}"
        ) from error


def _application(folder, data_dir, host):
    run = workdir.Workdir(folder)
    config, flow = finished.config(run), finished.best(run)
    settings = finished.data_settings(config, data_dir)
    examples, labels, source = _examples(flow, settings)
    if len(flow.event_shape) == 1:
        shown = plane.Plane(flow, examples)
    else:
        shown = gallery.Gallery(flow, examples, labels, _inner(settings, source))
    about = {
        "run": pathlib.Path(folder).name,
        "model": config["model"],
        "dataset": settings.dataset,
        "unit": report.unit(flow.bins),
        "source": source,
        "version": tfflows.__version__,
    }
    return app.App(shown, about, _LOOPBACK.get(host))


def _examples(flow, settings):
    """The first examples of the test split with their labels, or samples of the flow."""
    try:
        loaded = stream.load_split(settings, "test", shuffle=False)
    except (FileNotFoundError, ImportError):
        condition = None if flow.classes is None else np.arange(_EXAMPLES) % flow.classes
        samples = flow.sample(_EXAMPLES, seed=0, condition=condition)
        samples = samples if flow.bins is None else flow.to_integers(samples)
        return samples.numpy(), condition, "samples of the model, as its dataset is not here"
    with reading.named_files(settings):
        batch = next(iter(loaded.dataset.unbatch().batch(_EXAMPLES).take(1)))
    x, labels = batch if isinstance(batch, tuple) else (batch, None)
    x = x.numpy() if flow.bins is None else x.numpy().astype(np.int32)
    return x, None if labels is None else labels.numpy(), "examples of the test split"


def _inner(settings, source):
    """Height and width of the dataset's images before zeros were put around them."""
    if settings.pad_to is None or source.startswith("samples"):
        return None
    unpadded = data.load(settings.dataset, "test", data_dir=settings.data_dir)
    return unpadded.event_shape[:2]


def _define(to):
    text = "Folder of a run of one of the trainers."
    flags.DEFINE_string("workdir", None, text, required=True, flag_values=to)
    text = "Folder of the prepared TFDS datasets; nothing is downloaded."
    flags.DEFINE_string("data_dir", None, text, flag_values=to)
    text = "Address to listen on; 0.0.0.0 lets in everyone who can reach this machine."
    flags.DEFINE_string("host", "127.0.0.1", text, flag_values=to)
    trainer_flags.count(to, "port", "Port to listen on; 0 for a free one.", default=8080, least=0)


if __name__ == "__main__":
    main()
