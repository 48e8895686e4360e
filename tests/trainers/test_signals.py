"""SIGTERM and Ctrl-C: what is done is saved, and one line and the exit code say so."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.trainers import command, cuts
from trainers import signals

SIGNALS = [signal.SIGTERM, signal.SIGINT]
# So many steps that they take longer than a test waits; of them --epochs=1 would be the end.
LONG = ("--dataset=two_moons", "--smoke", "--steps_per_epoch=100000", "--checkpoint_seconds=0")


@pytest.fixture
def started():
    """Starts programs, and ends those that a failed test has left."""
    processes = []

    def start(*arguments):
        with command.interruptible():
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=command.ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def read_until(process, text):
    """Reads what a process prints up to a line with a text."""
    line = process.stdout.readline()
    while text not in line:
        assert line, f"no {text!r}: {process.communicate()[1]}"
        line = process.stdout.readline()


def ended(process, number):
    """Returns the line that a process ended by a signal has left on stderr."""
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number], stderr
    assert stderr.count("\n") == 1, stderr
    return stderr


def test_before_the_first_step_nothing_is_lost(started, tmp_path):
    process = started("-m", "trainers.nice", f"--workdir={tmp_path}", *LONG)
    read_until(process, "NICE with")
    assert ended(process, signal.SIGINT) == (
        "nice: ended by SIGINT at once; the same command goes on from the last checkpoint\n"
    )
    assert not list(tmp_path.glob("*.keras"))


def test_in_training_the_step_is_saved(started, tmp_path):
    process = started("-m", "trainers.nice", f"--workdir={tmp_path}", *LONG, "--verbose=1")
    read_until(process, "Epoch 1/2")
    read_until(process, "loss")  # the bar, once it has moved
    line = ended(process, signal.SIGTERM)
    run = command.prepared("nice", tmp_path, *LONG)
    assert run.position.steps == run.flow.optimizer.iterations.numpy() > 0
    goes_on = f"the same command goes on from {tmp_path / 'last.keras'}"
    place = f"step {run.position.steps} of epoch 1"
    assert line == f"nice: stopped by SIGTERM after {place}; {goes_on}\n"
    assert not list(tmp_path.glob(".*"))


# Without TensorFlow: a program that says what it heeds, and then waits.
PROGRAM = """
import runpy, sys, time
signals = runpy.run_path("trainers/signals.py")
with signals["asking"]("program") as stop:
    stop.heed(begin=sys.argv[1] == "heeding")
    print("ready", flush=True)
    while stop.number is None or sys.argv[2] == "stuck":
        time.sleep(0.01)
        if stop.number is not None:
            print("asked", flush=True)
    print(stop.number)
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_where_nobody_heeds_it_a_signal_ends_the_process(number, started):
    process = started("-c", PROGRAM, "deaf", "stuck")
    read_until(process, "ready")
    name = signal.Signals(number).name
    assert ended(process, number).startswith(f"program: ended by {name} at once; the same command")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_ends_the_process_at_once(number, started):
    process = started("-c", PROGRAM, "heeding", "stuck")
    read_until(process, "ready")
    process.send_signal(signal.SIGTERM)
    read_until(process, "asked")
    assert ended(process, number).startswith("program: ended by ")


def test_the_first_is_left_to_who_heeds_it(started):
    process = started("-c", PROGRAM, "heeding", "waiting")
    read_until(process, "ready")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    assert stdout.splitlines()[-1] == str(signal.SIGINT.value)


def test_it_is_noticed_while_python_does_not_run(started):
    """A call into TensorFlow, which releases Python's lock as this one does, may take minutes."""
    call = "__import__('hashlib').pbkdf2_hmac('sha1', b'', b'', 2**31 - 1)"
    process = started("-c", PROGRAM.replace("time.sleep(0.01)", call), "deaf", "stuck")
    read_until(process, "ready")
    ended(process, signal.SIGTERM)


def test_an_ignored_signal_stays_ignored_and_handlers_are_put_back():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    term = signal.getsignal(signal.SIGTERM)
    try:
        with signals.asking("program") as stop:
            stop.heed(begin=True)
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            while stop.number is None:
                time.sleep(0.001)
        assert stop.number == signal.SIGTERM
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is term
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        signal.signal(signal.SIGINT, before)


def test_who_asks_first_is_heeded():
    stop = signals.Stop()
    assert not stop.ask(signal.SIGINT) and stop.number == signal.SIGINT  # nobody heeds it
    stop = signals.Stop()
    stop.heed(begin=True)
    assert stop.ask(signal.SIGINT) and not stop.ask(signal.SIGTERM)
    assert stop.number == signal.SIGINT
    stop = signals.Stop()
    stop.heed(begin=True)
    stop.heed(begin=False)
    assert not stop.ask()


def test_a_signal_after_the_last_step_leaves_the_report_to_the_same_command(tmp_path, monkeypatch):
    run = command.prepared("nice", tmp_path, *command.SMALL)
    monkeypatch.setattr(run.flow, "fit", lambda *args, **kwargs: run.stop.ask(signal.SIGINT))
    with pytest.raises(signals.Stopped, match="by SIGINT after training; .* writes the report"):
        run.finish()


@pytest.mark.deep
def test_signals_again_and_again(started, tmp_path):
    """A deterministic run that both signals stop several times ends as the one that none does."""
    arguments = ("--dataset=two_moons", "--deterministic", "--steps_per_epoch=100", "--epochs=20")
    folders = [tmp_path / name for name in ("stopped", "whole")]
    for number in SIGNALS * 3:
        process = started("-m", "trainers.realnvp", f"--workdir={folders[0]}", *arguments)
        read_until(process, "Epoch")
        read_until(process, "step")  # the line of an epoch
        time.sleep(0.3)
        print(ended(process, number).strip())
    for folder in folders:
        assert command.program("realnvp", f"--workdir={folder}", *arguments).returncode == 0
    cuts.assert_equal(*folders)
