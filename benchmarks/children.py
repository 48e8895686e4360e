"""Runs a module of this folder in a fresh Python, for what a process can measure only once."""

import json
import os
import subprocess
import sys

from benchmarks import report


def ask(module, question, environment=None):
    """Returns what a module's `main` prints last, as JSON, for a question given as JSON.

    Args:
      module: Name of a module in `benchmarks`.
      question: Dict.
      environment: Variables to set for it, or None.

    Raises:
      ValueError: if it fails, with the last line of what it says.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", json.dumps(question)]
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, **(environment or {})}
    ran = subprocess.run(command, cwd=report.ROOT, env=variables, capture_output=True, text=True)
    lines = ran.stdout.split("\n")[:-1]
    if ran.returncode or not lines:
        said = ran.stderr.strip().split("\n")[-1]
        raise ValueError(f"Expected a measurement of {question}. Received: error={said!r}")
    return json.loads(lines[-1])
