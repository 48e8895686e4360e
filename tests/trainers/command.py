"""Runs trainers in this process, as their commands would, with small models."""

import contextlib
import pathlib
import signal
import subprocess
import sys

from absl import flags

from trainers import flags as trainer_flags
from trainers import glow, nice, realnvp, settings, trainer

ROOT = pathlib.Path(__file__).resolve().parents[2]  # of the repository
RECIPES = {"glow": glow.RECIPE, "nice": nice.RECIPE, "realnvp": realnvp.RECIPE}
# A model that compiles in a second or two.
SMALL = ("--dataset=two_moons", "--smoke", "--num_points=200", "--verbose=0")


def parsed(model, *arguments):
    """Returns the settings that a command line gives."""
    values = flags.FlagValues()
    names, of_model = trainer_flags.define(RECIPES[model], values)
    values(["trainer", *arguments])
    return settings.resolve(RECIPES[model], names, of_model, values)


def run(model, workdir, *arguments):
    """Runs a trainer to its end and returns its `Run`."""
    made = prepared(model, workdir, *arguments)
    made.finish()
    return made


def program(name, *arguments):
    """Runs a program of the trainers in a process of its own, and returns what became of it."""
    return subprocess.run(
        [sys.executable, "-m", f"trainers.{name}", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def refused(name, text, *arguments):
    """Runs a program that ends with a line of its own on stderr, which has a text, and code 1."""
    process = program(name, *arguments)
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith(f"{name}: ") and process.stderr.count("\n") == 1
    assert text in process.stderr


def prepared(model, workdir, *arguments):
    """Returns a `Run` that is ready to train."""
    made = trainer.Run(RECIPES[model], parsed(model, f"--workdir={workdir}", *arguments))
    made.prepare()
    return made


def contents(folder):
    """Returns the bytes of every file under a folder, by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@contextlib.contextmanager
def interruptible():
    """Context in which processes are started that do not ignore Ctrl-C, as those of a job would.

    Not by a function between fork and exec: gRPC, where tests have used it, has its own there.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
