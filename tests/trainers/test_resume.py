"""A run that was stopped, or killed, and continued is the run that was not."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.trainers import command, left

# Four epochs whose order of data, learning rate, averages and moments all matter.
ARGUMENTS = (*command.SMALL, "--epochs=4", "--steps_per_epoch=3", "--ema_momentum=0.7")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The workdir of a run without a stop."""
    workdir = tmp_path_factory.mktemp("whole")
    command.run("realnvp", workdir, *ARGUMENTS)
    return workdir


def assert_same(workdir, whole):
    for name in ("last.keras", "best.keras"):
        ours, theirs = left.arrays(workdir / name), left.arrays(whole / name)
        assert ours.keys() == theirs.keys()
        for key in ours:
            np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-5, atol=1e-6, err_msg=key)
    ours, theirs = left.rows(workdir), left.rows(whole)
    assert [row["epoch"] for row in ours] == [1, 2, 3, 4]
    for our, their in zip(ours, theirs, strict=True):
        assert our == pytest.approx(their, rel=1e-5)


def test_checkpoints_hold_the_optimizer_and_the_best_model_does_not(whole):
    last, best = left.arrays(whole / "last.keras"), left.arrays(whole / "best.keras")
    assert last["optimizer/vars/0"] == 12  # iterations
    assert any("optimizer" in key for key in last)
    assert not any("optimizer" in key for key in best)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(whole, tmp_path, capsys):
    first = command.run("realnvp", tmp_path, *ARGUMENTS, "--max_minutes=1e-9")
    assert len(first.history.rows) == 1
    seconds = first.history.seconds
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["epochs"] == 1 and results["end"].startswith("another epoch would take longer")
    run = command.run("realnvp", tmp_path, *ARGUMENTS)
    assert f"Going on after epoch 1 in {tmp_path}" in capsys.readouterr().out
    assert_same(tmp_path, whole)
    assert run.history.seconds > seconds
    assert json.loads((tmp_path / "results.json").read_text())["epochs"] == 4


def test_a_crash_between_history_and_checkpoint_costs_an_epoch_only(whole, tmp_path):
    command.run("realnvp", tmp_path, *ARGUMENTS, "--max_minutes=1e-9")
    history = json.loads((tmp_path / "history.json").read_text())
    extra = {
        **history[0],
        "epoch": 2,
        "updates": 6,
        "val_bits_per_dim": -99.0,
    }  # not in a checkpoint
    (tmp_path / "history.json").write_text(json.dumps([*history, extra]))
    command.run("realnvp", tmp_path, *ARGUMENTS)
    assert_same(tmp_path, whole)


def test_a_killed_run_goes_on(whole, tmp_path):
    arguments = ["-m", "trainers.realnvp", f"--workdir={tmp_path}", *ARGUMENTS]
    process = subprocess.Popen([sys.executable, *arguments], cwd=command.ROOT)
    while process.poll() is None and not (tmp_path / "last.keras").exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    (tmp_path / ".01234567-last.keras").write_bytes(b"half of a checkpoint")
    command.run("realnvp", tmp_path, *ARGUMENTS)
    assert_same(tmp_path, whole)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_patience_counts_over_all_runs(tmp_path):
    command.run("nice", tmp_path, *command.SMALL, "--epochs=5", "--max_minutes=1e-9")
    history = json.loads((tmp_path / "history.json").read_text())
    history[0]["val_bits_per_dim"] = -99.0  # never to be reached again
    (tmp_path / "history.json").write_text(json.dumps(history))
    run = command.run("nice", tmp_path, *command.SMALL, "--epochs=5", "--patience=2")
    assert len(run.history.rows) == 3
    assert run.history.end(run.settings) == "no better validation in 2 epochs"
