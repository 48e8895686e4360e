"""Runs normflows in a process of its own, which works only while it is asked for a step."""

import json
import os
import pathlib
import subprocess

WORKER = pathlib.Path(__file__).with_name("normflows_worker.py")


class Worker:
    """A process that trains the Glow of normflows.

    Args:
      python: Path of a Python with torch and normflows.
      settings: `Settings` of a Glow.
      options: Others than the worker's `OPTIONS`.

    Raises:
      ValueError: if `python` is not set, or the worker does not start with it.
    """

    def __init__(self, python, settings, **options):
        if not python:
            raise ValueError(
                "Expected --normflows_python=<a Python with torch and normflows> for normflows. "
                f"Received: normflows_python={python!r}"
            )
        names = ("levels", "depth", "width", "size", "channels", "batch")
        sizes = {name: getattr(settings, name) for name in names}
        self._python = python
        self._start({**sizes, "threads": os.cpu_count(), **options})
        self.versions = self._read()

    def step(self):
        """Takes one step; returns its seconds by the worker's own clock, and the loss."""
        self._process.stdin.write("step\n")
        self._process.stdin.flush()
        answer = self._read()
        return answer["seconds"], answer["value"]

    def close(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _start(self, options):
        command = [self._python, "-W", "ignore", str(WORKER), json.dumps(options)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except OSError as error:
            raise self._unfit() from error

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise self._unfit()
        return json.loads(line)

    def _unfit(self):
        return ValueError(
            "Expected a Python with torch and normflows that runs the worker. "
            f"Received: normflows_python={self._python!r}"
        )
