"""The commands: what they write, what they print, and that a second time they only say so."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainers import command

IMAGES = {"samples.png", "history.png"}
KEYS = {
    "model",
    "dataset",
    "arguments",
    "flags",
    "steps",
    "epochs",
    "best_epoch",
    "end",
    "seconds",
    "unit",
    "train_bits_per_dim",
    "validation_bits_per_dim",
    "test_bits_per_dim",
    "gaussian_bits_per_dim",
    "parameters",
    "pictures",
    "saved_model",
    "versions",
}


def program(*arguments):
    """Runs a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=command.ROOT,
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"},
        capture_output=True,
        text=True,
    )


def check_files(workdir, pictures):
    """Checks everything a run leaves, and returns its results."""
    results = json.loads((workdir / "results.json").read_text())
    assert results.keys() == KEYS
    assert set(results["pictures"]) == pictures
    for name in pictures:
        assert tf.io.decode_png((workdir / name).read_bytes()).shape[0] > 300
    flow = keras.models.load_model(workdir / "best.keras")
    x = flow.sample(3, seed=0)
    served = tf.saved_model.load(str(workdir / "saved_model" / "1")).signatures["log_prob"](x=x)
    np.testing.assert_allclose(served["log_prob"], flow.log_prob(x), rtol=1e-4)
    events = {path.parent.name for path in workdir.rglob("events.out.tfevents.*")}
    assert events == {"train", "validation", "samples"}
    keras.models.load_model(workdir / "last.keras")
    leftovers = [path for path in workdir.rglob(".*") if path.is_file()]
    assert not leftovers
    return results


@pytest.fixture(scope="module")
def glow(tmp_path_factory):
    """A run of Glow's command: its workdir and the finished process."""
    workdir = tmp_path_factory.mktemp("glow") / "run"
    return workdir, program("trainers.glow", "--smoke", f"--workdir={workdir}")


def test_command_writes_everything_and_prints_nothing_else(glow):
    workdir, process = glow
    assert process.returncode == 0
    assert process.stderr == ""
    results = check_files(workdir, IMAGES)
    assert results["flags"]["smoke"] and results["arguments"]["width"] == 8
    lines = process.stdout.splitlines()
    assert lines[-1] == (
        f"test bits/dim: {results['test_bits_per_dim']:.3f}, of a full-covariance Gaussian: "
        f"{results['gaussian_bits_per_dim']:.3f}; pictures: {workdir}/samples.png, "
        f"{workdir}/history.png"
    )
    assert sum("val_bits_per_dim" in line for line in lines) == results["epochs"] == 2


def test_a_finished_run_says_so_and_rewrites_nothing(glow, capsys):
    workdir, process = glow
    before = command.contents(workdir)
    command.run("glow", workdir, "--smoke")
    first, last = capsys.readouterr().out.splitlines()
    assert first == f"Finished already in {workdir}: all 2 epochs are done."
    assert last == process.stdout.splitlines()[-1]
    assert command.contents(workdir) == before


def test_a_lost_picture_is_drawn_again(tmp_path):
    command.run("nice", tmp_path, *command.SMALL)
    (tmp_path / "density.png").unlink()
    command.run("nice", tmp_path, *command.SMALL)
    assert (tmp_path / "density.png").exists()


@pytest.mark.parametrize("model, arguments", [("nice", []), ("realnvp", ["--levels=1"])])
def test_other_models_train_on_digits(model, arguments, tmp_path):
    command.run(model, tmp_path, "--smoke", "--verbose=0", *arguments)
    assert check_files(tmp_path, IMAGES)["unit"] == "bits/dim"


def test_points_get_a_density_picture_and_a_differential_unit(tmp_path, capsys):
    command.run("realnvp", tmp_path, *command.SMALL)
    results = check_files(tmp_path, {"density.png", "history.png"})
    assert results["unit"] == "bits/dim (differential)"
    assert (
        f"test bits/dim (differential): {results['test_bits_per_dim']:.3f}"
        in (capsys.readouterr().out.splitlines()[-1])
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--epochs=0"], "flag --epochs=0: 0 is not a positive integer"),
        (["--levels=4"], "Expected levels=4 to fit"),
    ],
)
def test_a_users_error_is_one_line(arguments, message, tmp_path):
    process = program("trainers.glow", f"--workdir={tmp_path}/run", *arguments)
    assert process.returncode == 1
    assert process.stdout == ""
    assert process.stderr.startswith("glow: ") and process.stderr.count("\n") == 1
    assert message in process.stderr
    assert not (tmp_path / "run").exists()
