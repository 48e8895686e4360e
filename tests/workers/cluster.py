"""Starts workers: processes on loopback, each with its TF_CONFIG."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]  # of the repository
# Of a worker that hangs, so that a test fails instead.
LIMIT = 240


def configs(count):
    """Returns the TF_CONFIG of each of several workers, at ports that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        hosts = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    cluster = {"worker": hosts}
    return [
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        for index in range(count)
    ]


def start(commands, of=None, program=None):
    """Starts a worker for each command line of `python -m`, and returns the processes.

    Args:
      commands: lists of words.
      of: how many workers the cluster has, if more.
      program: file to run in place of the module that each command begins with.
    """
    return [
        subprocess.Popen(
            [sys.executable, *_words(command, program)],
            cwd=ROOT,
            env={**os.environ, "TF_CONFIG": config, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command, config in zip(commands, configs(of or len(commands)), strict=False)
    ]


def _words(command, program):
    module, *flags = map(str, command)
    return [str(program), *flags] if program else ["-m", module, *flags]


def finish(processes, limit=LIMIT):
    """Waits for all, and returns the code, stdout and stderr of each."""
    try:
        outputs = [process.communicate(timeout=limit) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(p.returncode, *output) for p, output in zip(processes, outputs, strict=True)]


def run(*commands):
    """Runs workers to their end; all must succeed. Returns the stdout of each."""
    results = finish(start(commands))
    for code, stdout, stderr in results:
        if code:
            raise AssertionError(f"A worker ended with code {code}: {stdout}\n{stderr}")
    return [stdout for _, stdout, _ in results]
