"""The frame of every command: an error of the user's is one line on stderr and exit code 1."""

import contextlib
import sys

from absl import app, flags

from trainers import quiet, signals


def run(name, work):
    """Parses the command line, which has flags only, and calls `work()`, as the program `name`."""

    def parse(argv):
        with users_errors(name, flags.Error):
            return flags.FLAGS(argv)

    def program(argv):
        if argv[1:]:
            _fail(name, f"Expected flags only. Received: {argv[1]!r}")
        quiet.hush_python()
        work()

    app.run(program, flags_parser=parse)


@contextlib.contextmanager
def users_errors(name, *kinds):
    """Context in which errors of these kinds end the program as the user's."""
    try:
        yield
    except kinds as error:
        _fail(name, error)


@contextlib.contextmanager
def stoppable(name):
    """Context that signals can end: gives the `Stop` to look at, and takes a run's `Stopped`."""
    with signals.asking(name) as stop:
        try:
            yield stop
        except signals.Stopped as stopped:
            _fail(name, stopped, stopped.status)


def _fail(name, error, status=1):
    print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(status)
