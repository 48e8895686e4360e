"""Checkpoints are not lost: damaged ones, full disks, two runs in one folder."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.trainers import command, left
from trainers import workdir

ARGUMENTS = (*command.SMALL, "--epochs=4", "--steps_per_epoch=2")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The workdir of a run of four epochs."""
    return command.run("nice", tmp_path_factory.mktemp("whole"), *ARGUMENTS).folder.path


@pytest.fixture
def stopped(whole, tmp_path):
    """The same after three epochs, as a stop would have left it."""
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    for newer, older in (("last.keras", "last-1.keras"), ("last-1.keras", "last-2.keras")):
        (folder / older).replace(folder / newer)
    (folder / "results.json").unlink()
    return folder


def test_the_last_three_are_kept(whole):
    steps = [
        int(left.arrays(whole / name)["optimizer/vars/0"])
        for name in ("last.keras", "last-1.keras", "last-2.keras")
    ]
    assert steps == [8, 6, 4]
    assert not list(whole.glob(".*"))


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file):
    """Changes the last bit of one weight: still a weight, but the archive has a checksum."""
    weights = max(left.arrays(file).values(), key=lambda array: array.size)
    content = bytearray(file.read_bytes())
    place = content.find(weights.tobytes())
    assert place > 0 and weights.dtype == np.float32
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, flip, lambda file: file.unlink()])
def test_the_one_before_a_damaged_one_is_used_and_the_run_ends_the_same(
    damage, stopped, whole, capsys
):
    damage(stopped / "last.keras")
    run = command.run("nice", stopped, *ARGUMENTS)
    warning = capsys.readouterr().err
    assert warning.startswith("Warning: no checkpoint, so the one before it is used: ")
    assert str(stopped / "last.keras") in warning and warning.count("\n") == 1
    assert len(run.history.rows) == 4
    ours, theirs = (left.arrays(folder / "last.keras") for folder in (stopped, whole))
    assert ours.keys() == theirs.keys()
    for key in ours:
        assert ours[key] == pytest.approx(theirs[key], rel=1e-5, abs=1e-6), key


def test_two_damaged_ones(whole, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    (folder / "results.json").unlink()
    truncate(folder / "last.keras")
    flip(folder / "last-1.keras")
    run = command.prepared("nice", folder, *ARGUMENTS)
    assert len(run.history.rows) == 2 and run.flow.optimizer.iterations.numpy() == 4
    assert capsys.readouterr().err.count("Warning: ") == 2


def test_nothing_but_damaged_ones_is_an_error_that_names_them(stopped):
    names = ("last.keras", "last-1.keras", "last-2.keras")
    for name in names:
        (stopped / name).write_bytes(b"none")
    before = command.contents(stopped)
    with pytest.raises(ValueError, match=".*".join(["Received:", *names])):
        command.prepared("nice", stopped, *ARGUMENTS)
    assert command.contents(stopped) == before


def test_a_full_disk_ends_the_run_and_leaves_what_was_there(stopped):
    """Files may have no more than 4 kB, as if the disk had no more: a checkpoint has more."""
    before = command.contents(stopped)
    code = (
        "import resource, runpy;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "runpy.run_module('trainers.nice', run_name='__main__', alter_sys=True)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, f"--workdir={stopped}", *ARGUMENTS],
        cwd=command.ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert process.stderr.startswith("nice: Expected to write") and process.stderr.count("\n") == 1
    assert "what was there before is as it was. Received: File too large" in process.stderr
    after = command.contents(stopped)
    for name in ("last.keras", "last-1.keras", "last-2.keras", "best.keras"):
        assert after.get(name) == before.get(name)
    assert not list(stopped.glob(".*"))


def test_a_second_run_in_a_folder_is_refused(stopped):
    """While this process has it; afterwards nothing is left of the lock."""
    holder = workdir.Workdir(stopped)
    holder.lock()
    holder.lock()  # of the same process
    before = command.contents(stopped)
    second = command.program("nice", f"--workdir={stopped}", *ARGUMENTS)
    assert second.returncode == 1
    assert second.stderr.startswith("nice: Expected a workdir that no other run is using. Received")
    assert command.contents(stopped) == before
    workdir.unlock(stopped)
    third = command.program("nice", f"--workdir={stopped}", *ARGUMENTS)
    assert (third.returncode, third.stderr) == (0, "")
    assert len(json.loads((stopped / "history.json").read_text())) == 4
