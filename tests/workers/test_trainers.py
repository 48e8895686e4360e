"""A trainer on two workers is the one on one device; only the first writes; killed, it goes on."""

import json
import re
import signal
import time

import numpy as np
import pytest

from tests.trainers import command, left
from tests.workers import cluster

# Averages, decay and clipping; a last validation batch that is not full; checkpoints in an epoch.
ARGUMENTS = (
    *("--smoke", "--levels=1", "--depth=2", "--width=8", "--batch_size=24", "--epochs=3"),
    *("--steps_per_epoch=40", "--ema_momentum=0.7", "--clip_norm=1", "--weight_decay=0.01"),
    *("--checkpoint_steps=5", "--max_skipped=0", "--verbose=0"),
)


def commands(folder, count, *arguments):
    """Returns the command of each worker, each with a workdir of its own, which only one needs."""
    shared = ("--strategy=multi_worker", *ARGUMENTS, *arguments)
    return [("trainers.glow", f"--workdir={folder}/{i}", *shared) for i in range(count)]


def assert_same(folder, whole):
    """The run's results are those of the one process."""
    ours, theirs = left.rows(folder), left.rows(whole)
    assert len(ours) == 3
    for our, their in zip(ours, theirs, strict=True):
        assert our == pytest.approx(their, rel=1e-4)
    ours, theirs = (left.arrays(path / "last.keras") for path in (folder, whole))
    assert ours.keys() == theirs.keys()
    for key in ours:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-2, atol=1e-3, err_msg=key)


def started(folder):
    """Starts two workers and returns them once there are checkpoints within an epoch."""
    processes = cluster.start(commands(folder, 2))
    deadline = time.monotonic() + cluster.LIMIT
    while not (folder / "0" / "last-1.keras").exists():
        assert time.monotonic() < deadline and processes[0].poll() is None, processes[0].stderr
        time.sleep(0.01)
    return processes


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The workdir of a run of one process."""
    return command.run("glow", tmp_path_factory.mktemp("one"), *ARGUMENTS).folder.path


def test_two_workers_are_one_process(whole, tmp_path):
    first, second = cluster.finish(cluster.start(commands(tmp_path, 2)))
    assert (first[0], first[2]) == (0, "") and (second[0], second[1], second[2]) == (0, "", "")
    assert "test bits/dim" in first[1]
    assert_same(tmp_path / "0", whole)
    assert [path.name for path in tmp_path.iterdir()] == ["0"]  # the second writes nothing
    ours, theirs = (json.loads((p / "results.json").read_text()) for p in (tmp_path / "0", whole))
    assert ours["test_bits_per_dim"] == pytest.approx(theirs["test_bits_per_dim"], rel=1e-5)
    assert {p.name for p in (tmp_path / "0").iterdir()} == {p.name for p in whole.iterdir()}


LOST = [
    (1, signal.SIGKILL),
    pytest.param(0, signal.SIGKILL, marks=pytest.mark.deep),
    pytest.param(0, signal.SIGSTOP, marks=pytest.mark.deep),  # as a machine that hangs
    pytest.param(1, signal.SIGSTOP, marks=pytest.mark.deep),
]


@pytest.mark.parametrize(("lost", "number"), LOST)
def test_a_lost_worker_ends_the_other_and_the_job_goes_on(whole, tmp_path, lost, number):
    processes = started(tmp_path)
    processes[lost].send_signal(number)
    ((code, _, stderr),) = cluster.finish([processes[1 - lost]], limit=60)  # as is promised
    assert code == 1 and stderr.count("\n") == 1
    name = f"worker {lost}" if lost else "(worker 0|the first)"
    text = f"glow: Expected all 2 workers to go on. Received: {name} has ended"
    assert re.match(text, stderr)
    processes[lost].kill()
    processes[lost].communicate()
    first, second = cluster.finish(cluster.start(commands(tmp_path, 2)))
    assert (first[0], first[2], second[0], second[2]) == (0, "", 0, "")
    assert "Going on after " in first[1]
    assert_same(tmp_path / "0", whole)


@pytest.mark.deep
@pytest.mark.parametrize("asked", [0, 1])
def test_a_signal_to_one_stops_all_and_loses_no_step(whole, tmp_path, asked):
    processes = started(tmp_path)
    processes[asked].send_signal(signal.SIGTERM)
    for code, _, stderr in cluster.finish(processes):
        assert code == 143 and stderr.startswith("glow: stopped by SIGTERM after step ")
        stopped = stderr.split("; ")[0]
    first, second = cluster.finish(cluster.start(commands(tmp_path, 2)))
    assert (first[0], first[2], second[0], second[2]) == (0, "", 0, "")
    assert f"Going on after {stopped.split(' after ')[1]} in" in first[1]
    assert_same(tmp_path / "0", whole)


def test_a_stop_in_the_last_validation_stops_all(whole, tmp_path):
    """Of one batch, so that the second worker has none of it, and looks at the stop alike."""
    code = (
        "import os, signal; from trainers import evaluation, glow, trainer;"
        "original = evaluation.bits_per_dim;"
        "\ndef bits(flow, dataset, team):"
        "\n    result = original(flow, dataset, team)"
        "\n    if team.index == 1: os.kill(os.getpid(), signal.SIGTERM); time.sleep(1)"
        "\n    return result"
    )
    program = tmp_path / "program.py"
    program.write_text(
        f"{code}\nimport time; evaluation.bits_per_dim = bits\ntrainer.main(glow.RECIPE)\n"
    )
    flags = ("--epochs=1", "--steps_per_epoch=2", "--batch_size=192")
    results = cluster.finish(cluster.start(commands(tmp_path, 2, *flags), program=program))
    for code, _, stderr in results:
        assert (code, stderr) == (
            143,
            "glow: stopped by SIGTERM after training; the same command writes the report\n",
        )
    first, second = cluster.finish(cluster.start(commands(tmp_path, 2, *flags)))
    assert (first[0], first[2], second[0], second[2]) == (0, "", 0, "")
    assert len(left.rows(tmp_path / "0")) == 1 and "test bits/dim" in first[1]


def test_flags_that_differ_are_refused(tmp_path):
    one, other = commands(tmp_path, 2)
    results = cluster.finish(cluster.start([one, (*other, "--learning_rate=0.5")]))
    assert [code for code, _, _ in results] == [1, 1]
    assert "Expected the same flags on all workers" in results[0][2]
    text = "Expected learning_rate=0.001 as on the first worker. Received: learning_rate=0.5"
    assert results[1][2] == f"glow: {text}\n"
    assert not (tmp_path / "0").exists()


@pytest.mark.deep
def test_three_workers_are_one_process(whole, tmp_path):
    results = cluster.finish(cluster.start(commands(tmp_path, 3)))
    assert [(code, stderr) for code, _, stderr in results] == [(0, "")] * 3
    assert_same(tmp_path / "0", whole)
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_what_the_first_worker_refuses_all_refuse(tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "history.json").write_text("[]")
    results = cluster.finish(cluster.start(commands(tmp_path, 2)))
    for code, stdout, stderr in results:
        assert (code, stdout) == (1, "")
        assert stderr.startswith("glow: Expected a workdir with config.json, or without history")
        assert stderr.count("\n") == 1


def test_a_worker_that_waits_for_others_can_be_stopped(tmp_path):
    (process,) = cluster.start(commands(tmp_path, 2)[:1], of=2)
    time.sleep(12)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    ((code, _, stderr),) = cluster.finish([process])
    assert code == 143 and stderr.startswith("glow: ended by SIGTERM")
