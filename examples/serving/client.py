"""What both clients do: ask what the model takes, send batches, wait for a server that is busy.

A client hands over its `Server`, an object with

    address                                           host:port, for messages
    signatures(seconds)                               dict of `inputs.Signature`s by name
    predict(name, signature, arrays, seconds)         dict of arrays
    close()

whose calls take at most so many seconds, raise `Unavailable` where another try may help, and
`ClientError` where none will.
"""

import contextlib
import os
import pathlib
import random
import sys
import time

import numpy as np
from absl import app, flags

from examples.serving import inputs
from examples.serving.inputs import ClientError


class Unavailable(Exception):
    """The server cannot answer now."""


def define(values, port):
    """Defines the flags of both clients."""
    text = "HOST:PORT of the server."
    flags.DEFINE_string("server", f"localhost:{port}", text, flag_values=values)
    flags.DEFINE_string("model", None, "Its name.", required=True, flag_values=values)
    text = "Version of the model; what the server prefers if unset."
    flags.DEFINE_integer("version", None, text, lower_bound=0, flag_values=values)
    flags.DEFINE_string("label", None, "Label of a version, in its place.", flag_values=values)
    flags.DEFINE_string("signature", "log_prob", "What to ask for.", flag_values=values)
    text = "An input, NAME=FILE.npy, or FILE.npz with inputs by their names; again for another."
    flags.DEFINE_multi_string("input", [], text, flag_values=values)
    text = "Samples to draw: fills the inputs seed and temperature."
    flags.DEFINE_integer("count", None, text, lower_bound=1, flag_values=values)
    flags.DEFINE_float("temperature", 1.0, "Temperature of samples.", flag_values=values)
    text = "Seed of samples: the same ones for the same seed."
    bounds = {"lower_bound": -(2**31), "upper_bound": 2**31 - 1}
    flags.DEFINE_integer("seed", 0, text, **bounds, flag_values=values)
    text = "Rows of a request."
    flags.DEFINE_integer("batch_size", 64, text, lower_bound=1, flag_values=values)
    text = "Seconds for a request, with all tries while the server is not available."
    flags.DEFINE_float("timeout", 30.0, text, lower_bound=0.001, flag_values=values)
    flags.DEFINE_string("output", None, "File .npz for the answer.", flag_values=values)


def main(name, define_flags, connect):
    """Runs a client as the program `name`; errors of the user's are one line on stderr.

    Args:
      name: for messages.
      define_flags: called with absl's flags.
      connect: called with their values, returns the `Server`.
    """
    others = set(flags.FLAGS)
    define_flags(flags.FLAGS)
    for flag in set(flags.FLAGS) - others:
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[flag])  # for --help

    def parse(argv):
        with _users_errors(name, flags.Error):
            return flags.FLAGS(argv)

    def program(argv):
        with _users_errors(name, ClientError):
            if argv[1:]:
                raise ClientError(f"Expected flags only. Received: {argv[1]!r}")
            run(connect, flags.FLAGS)

    app.run(program, flags_parser=parse)


@contextlib.contextmanager
def _users_errors(name, kind):
    try:
        yield
    except kind as error:
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)


def run(connect, values, say=print, stream=None):
    """Does what the flags say; returns the outputs.

    Args:
      connect: as in `main`.
      values: the flags' values.
      say: takes the lines of the summary.
      stream: of progress; None for stderr.
    """
    stream = sys.stderr if stream is None else stream
    _check_flags(values)
    arrays = inputs.read(values.input)
    if values.count is not None:
        arrays |= inputs.drawn(values.count, values.temperature, values.seed)
    with contextlib.closing(connect(values)) as server:
        signatures = patiently(server.signatures, values.timeout, stream)
        if values.signature not in signatures:
            raise ClientError(
                f"Expected a signature of {values.model}, one of {', '.join(sorted(signatures))}. "
                f"Received: signature={values.signature!r}"
            )
        arrays = inputs.checked(arrays, values.signature, signatures)
        outputs = _send(server, arrays, signatures[values.signature], values, stream)
    if values.output:
        _write(values.output, outputs)
    for line in summary(outputs):
        say(line)
    return outputs


def _check_flags(values):
    output = values.output and pathlib.Path(values.output)
    if output and (output.suffix != ".npz" or not output.parent.is_dir()):
        raise ClientError(
            "Expected output to end in .npz, in a folder that exists. "
            f"Received: output={values.output!r}"
        )
    if values.version is not None and values.label is not None:
        raise ClientError(
            "Expected a version or a label. "
            f"Received: version={values.version}, label={values.label!r}"
        )
    address(values.server)


def address(server):
    """Returns host and port, and whether the host is this machine, where no proxy is asked."""
    host, _, port = server.rpartition(":")
    if not host or not port.isdecimal():
        raise ClientError(f"Expected server to be HOST:PORT. Received: server={server!r}")
    return host, int(port), host in ("localhost", "[::1]") or host.startswith("127.")


def patiently(call, seconds, stream):
    """Returns `call(seconds left)`, tried again with growing pauses while it is `Unavailable`."""
    end, pause, tries = time.monotonic() + seconds, 0.1, 0
    while True:
        try:
            return call(max(end - time.monotonic(), 0.001))
        except Unavailable as error:
            pause = min(2 * pause, 5.0)
            wait = pause * random.uniform(0.5, 1.0)  # or all clients come back at once
            if time.monotonic() + wait > end:
                raise ClientError(
                    f"Expected an answer within {seconds:g} s. Received: {error}"
                ) from error
            if not tries:
                print(f"{error}; trying for up to {seconds:g} s", file=stream, flush=True)
            tries += 1
        time.sleep(wait)


def _send(server, arrays, signature, values, stream):
    """Sends the rows in batches and returns the outputs of all."""
    rows = len(next(iter(arrays.values())))
    answers = []
    with Progress(rows, stream) as progress:
        for start in range(0, rows, values.batch_size):
            batch = {k: v[start : start + values.batch_size] for k, v in arrays.items()}
            sent = len(next(iter(batch.values())))

            def predict(seconds, batch=batch):
                return server.predict(values.signature, signature, batch, seconds)

            answers.append(patiently(predict, values.timeout, stream))
            shapes = {name: value.shape for name, value in answers[-1].items()}
            if set(shapes) != set(signature.outputs) or any(
                shape[:1] != (sent,) for shape in shapes.values()
            ):
                raise ClientError(
                    f"Expected {sent} rows of {', '.join(sorted(signature.outputs))}. "
                    f"Received: shapes {shapes}"
                )
            progress.show(start + sent)
    return {name: np.concatenate([a[name] for a in answers]) for name in signature.outputs}


class Progress:
    """Says how many rows are done: in a terminal after each batch, else every few seconds.

    Args:
      rows: of all batches.
      stream: where to.
      every: seconds between two lines where that is no terminal.
    """

    def __init__(self, rows, stream, every=5.0):
        self._rows, self._stream, self._every = rows, stream, every
        self._terminal = stream.isatty()
        self._start = self._last = time.monotonic()
        self._open = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._open:
            print(file=self._stream, flush=True)

    def show(self, done):
        """Reports so many rows, if it is time to."""
        now = time.monotonic()
        if not self._terminal and now - self._last < self._every:
            return
        self._last = now
        rate = done / max(now - self._start, 1e-9)
        line = f"{done:,} of {self._rows:,} rows, {rate:,.0f} rows/s"
        self._open = self._terminal
        start, end = ("\r", "") if self._terminal else ("", "\n")
        print(f"{start}{line}", end=end, file=self._stream, flush=True)


def summary(outputs):
    """Returns a line for each output, and one for rows of NaN, which the model refused."""
    nan = [np.isnan(v).reshape(len(v), -1).any(1) for v in outputs.values() if v.dtype.kind == "f"]
    refused = np.any(nan, axis=0) if nan else np.zeros(len(next(iter(outputs.values()))), bool)
    lines = []
    for name, value in outputs.items():
        mean = f"{value[~refused].mean():.6g}" if not refused.all() else "none"
        lines.append(f"{name}: shape {list(value.shape)}, mean {mean}")
    if refused.any():
        places = np.flatnonzero(refused)
        shown = ", ".join(map(str, places[:10])) + (", ..." if len(places) > 10 else "")
        lines.append(
            f"{len(places)} of {len(refused)} rows are NaN, refused by the model: rows {shown}"
        )
    return lines


def _write(path, outputs):
    partial = pathlib.Path(f"{path}.partial.npz")  # or a full disk leaves half a file
    try:
        np.savez(partial, **outputs)
        os.replace(partial, path)
    except OSError as error:
        raise ClientError(
            f"Expected output to be writable. Received: output={path!r}: {error}"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
