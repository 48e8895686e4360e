"""A deterministic run is killed at thirty random moments, and ends as the one that never was."""

import json
import random
import signal
import subprocess
import sys
import time
import zipfile

import pytest

from tests.trainers import command, cuts

# A RealNVP with batch normalization, averages, clipping and a cosine: 10,000 steps, written down
# every 40 of them, which leaves a share of the time to the writing that kills can fall into.
ARGUMENTS = (
    *("--dataset=two_moons", "--deterministic", "--steps_per_epoch=200", "--epochs=50"),
    *("--checkpoint_steps=40", "--verbose=2"),
)
KILLS, EARLY = 30, 6


def place(folder):
    """Returns epochs and steps of the newest checkpoint that is in its place, or None."""
    for file in sorted(folder.glob("last*.keras"), key=lambda path: len(path.name)):
        try:
            steps = cuts.position(file)["steps"]
        except (OSError, zipfile.BadZipFile):  # it is being moved
            continue
        history = folder / "history.json"
        return len(json.loads(history.read_text())) if history.exists() else 0, steps
    return None


def wait_for_checkpoints(process, folder, count):
    """Waits until a process has written so many checkpoints."""
    seen = place(folder)
    while count and process.poll() is None:
        time.sleep(0.005)
        now = place(folder)
        count, seen = count - (now != seen), now


def killed(folder, random_):
    """Starts the run, kills it at a random moment, and returns what it was doing, in words."""
    process = subprocess.Popen(
        [sys.executable, "-m", "trainers.realnvp", f"--workdir={folder}", *ARGUMENTS],
        cwd=command.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if random_.random() < EARLY / KILLS:
        time.sleep(random_.uniform(0, 12))
    else:
        wait_for_checkpoints(process, folder, random_.randint(0, 7))
        time.sleep(random_.uniform(0, 0.4))
    process.send_signal(signal.SIGKILL)
    stdout, stderr = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"it was not killed: {stdout}{stderr}"
    assert "Traceback" not in stderr and stderr.count("Warning: no checkpoint") <= 1, stderr
    return "training" if "Epoch" in stdout else "starting"


@pytest.mark.deep
def test_thirty_kills(tmp_path):
    random_, folder, doing, places, halves = random.Random(0), tmp_path / "killed", [], [], set()
    folder.mkdir()
    while len(doing) < KILLS:
        doing.append(killed(folder, random_))
        places.append(place(folder))
        halves |= set(folder.glob(".*-last.keras"))
    known = [where for where in places if where is not None]
    training, within = doing.count("training"), sum(steps > 0 for _, steps in known)
    print(f"{KILLS} kills, {training} in training, {len(halves)} while a checkpoint was written;")
    print(f"the newest checkpoints, {within} of them within an epoch: {places}")
    assert training >= KILLS // 2 and within >= KILLS // 2 and halves
    assert len(set(known)) >= KILLS // 3
    for run in (folder, tmp_path / "whole"):
        ended = command.program("realnvp", f"--workdir={run}", *ARGUMENTS)
        assert ended.returncode == 0, ended.stderr
    cuts.assert_equal(folder, tmp_path / "whole")
