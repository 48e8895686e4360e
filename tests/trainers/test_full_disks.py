"""A disk that is full, a folder that cannot be written to any more, in the middle of an epoch."""

import os
import shutil
import subprocess

import pytest

from tests.trainers import command, cuts
from trainers import checkpoints, workdir

ARGUMENTS = (*command.SMALL, "--epochs=3", "--steps_per_epoch=4", "--checkpoint_steps=1")
NAMES = ("last.keras", "last-1.keras", "last-2.keras", "best.keras", "history.json")
NOBODY = 65534


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A workdir that a run has left after three steps of its second epoch."""
    folder = tmp_path / "run"
    with pytest.raises(cuts.Cut), monkeypatch.context() as patch:
        cuts.raise_after(patch, "on_train_batch_end", 7)
        command.run("nice", folder, *ARGUMENTS)
    workdir.unlock(folder)
    return folder


@pytest.fixture
def disk(tmp_path):
    """Returns a function that mounts a disk of so many bytes, and unmounts it in the end."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(size):
        line = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        mounted = subprocess.run(line, capture_output=True, text=True)
        if mounted.returncode:
            pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


def filled(folder):
    """Fills the disk of a folder, and returns the file that does."""
    path = folder.parent / "filling"
    free = os.statvfs(folder)
    path.write_bytes(bytes(free.f_bavail * free.f_frsize))
    return path


def checked(folder, before):
    assert {name: (folder / name).read_bytes() for name in NAMES} == before
    assert not list(folder.glob(".*"))


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount")
def test_a_full_disk_ends_the_run_at_a_checkpoint_and_the_same_command_goes_on(stopped, disk):
    """A disk with room for a quarter of a checkpoint, so that one is begun."""
    used = sum(len(content) + 4096 for content in command.contents(stopped).values())
    folder = disk(used + 2**20) / "run"
    shutil.copytree(stopped, folder)
    filling = filled(folder)
    os.truncate(filling, filling.stat().st_size - (folder / "last.keras").stat().st_size // 4)
    before = {name: (folder / name).read_bytes() for name in NAMES}
    process = command.program("nice", f"--workdir={folder}", *ARGUMENTS)
    assert process.returncode == 1
    assert process.stderr == (
        f"nice: Expected to write '{folder}/last.keras'; what was there before is as it was. "
        "Received: No space left on device\n"
    )
    checked(folder, before)
    filling.unlink()
    run = command.prepared("nice", folder, *ARGUMENTS)
    assert (run.position.steps, len(run.history.rows)) == (3, 1)
    run.fit()
    assert len(run.history.rows) == 3
    workdir.unlock(folder)


@pytest.mark.skipif(os.name != "posix", reason="users are POSIX's")
def test_a_folder_that_cannot_be_written_to_any_more(stopped, monkeypatch):
    """Root may write anywhere, so that it is another user's process when it comes to writing."""
    before = {name: (stopped / name).read_bytes() for name in NAMES}
    written, user = checkpoints.write, os.geteuid()

    def write(*arguments):
        stopped.chmod(0o555)
        os.seteuid(NOBODY if user == 0 else user)
        try:
            written(*arguments)
        finally:
            os.seteuid(user)
            stopped.chmod(0o755)

    monkeypatch.setattr(checkpoints, "write", write)
    with pytest.raises(OSError, match="Expected to write .*last.keras.* Received: Permission den"):
        command.run("nice", stopped, *ARGUMENTS)
    checked(stopped, before)


def test_a_folder_that_is_gone(stopped, monkeypatch):
    before = {name: (stopped / name).read_bytes() for name in NAMES}
    written, moved = checkpoints.write, stopped.with_name("moved")

    def write(*arguments):
        stopped.rename(moved)
        written(*arguments)

    monkeypatch.setattr(checkpoints, "write", write)
    with pytest.raises(OSError, match="Expected to write .*last.keras.* Received: No such file"):
        command.run("nice", stopped, *ARGUMENTS)
    checked(moved, before)
