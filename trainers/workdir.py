"""`Workdir`: the files of a run, written so that a crash never leaves half of one."""

import contextlib
import fcntl
import json
import os
import pathlib
import types
import uuid


class Workdir:
    """The folder of a run.

    Attributes:
      path: the folder.
      config: JSON of what makes the run the one it is.
      last: checkpoint to go on from: weights, optimizer with the averages, steps.
      checkpoints: `last` and the two before it, newest first.
      best: model with the averaged weights of the best validation.
      history: JSON rows, one an epoch.
      results: JSON, written when everything else is.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path).expanduser()
        self.config = self.path / "config.json"
        self.checkpoints = [self.path / f"last{age}.keras" for age in ("", "-1", "-2")]
        self.last = self.checkpoints[0]
        self.best = self.path / "best.keras"
        self.history = self.path / "history.json"
        self.results = self.path / "results.json"

    def check(self, identity, defaults=types.MappingProxyType({})):
        """Refuses a folder of another run, or one that cannot be written to; writes nothing.

        What the run in the folder does not have in its identity, being older, is as in `defaults`.

        Raises:
          ValueError: it is no folder, is not writable, or has a run with another identity.
        """
        existing = next(p for p in (self.path, *self.path.absolute().parents) if p.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise ValueError(
                "Expected workdir to be a folder that can be written to. "
                f"Received: workdir={str(self.path)!r}"
            )
        if not self.config.exists():
            self._check_empty()
            return
        there, here = self.read_config(), json.loads(json.dumps(identity))
        there = {**{n: v for n, v in defaults.items() if n in here}, **there}
        for name in [*here, *sorted(there.keys() - here.keys())]:
            if there.get(name) != here.get(name):
                raise ValueError(
                    f"Expected {name}={there.get(name)!r} as in the run in workdir="
                    f"{str(self.path)!r}, or another workdir. Received: {name}={here.get(name)!r}"
                )

    def lock(self):
        """Keeps other processes out of the folder, if it is there, for as long as this one lives.

        Raises:
          ValueError: another process has it.
        """
        if not self.path.is_dir() or self.path.resolve() in _locked:
            return
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(folder)
            raise ValueError(
                "Expected a workdir that no other run is using. "
                f"Received: workdir={str(self.path)!r}"
            ) from error
        _locked[self.path.resolve()] = folder

    def claim(self, identity):
        """Makes the folder, writes the identity if it is new, and clears what a crash left."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.lock()
        for file in (*self.checkpoints, self.best, self.history, self.results, self.config):
            for partial in self.path.glob(f".????????-{file.name}"):
                partial.unlink()
        if not self.config.exists():
            write_json(self.config, identity)

    def read_config(self):
        """Returns what makes the run the one it is.

        Raises:
          ValueError: the file is not a run's.
        """
        try:
            return dict(json.loads(self.config.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(
                f"Expected config.json to be a run's. Received: {str(self.config)!r}, {error}"
            ) from error

    def _check_empty(self):
        for file in (*self.checkpoints, self.best, self.history, self.results):
            if file.exists():
                raise ValueError(
                    f"Expected a workdir with config.json, or without {file.name}. "
                    f"Received: workdir={str(self.path)!r}"
                )


# Folders that this process keeps others out of, and their descriptors.
_locked = {}


def unlock(path):
    """Lets other processes into a folder again."""
    os.close(_locked.pop(pathlib.Path(path).resolve()))


@contextlib.contextmanager
def replacing(path, older=()):
    """Gives a temporary name beside `path` to write to, and moves it there if all went well.

    What was there is moved to the first of `older`, what was there to the second, and so on.
    """
    partial = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")  # Keras looks at the ending
    try:
        yield partial
        _flush(partial)
        names = [path, *older]
        for newer, name in reversed(list(zip(names, older, strict=False))):
            if newer.exists():
                os.replace(newer, name)
        os.replace(partial, path)
        with contextlib.suppress(OSError):  # not all file systems can, and the file has its place
            _flush(path.parent)
    except OSError as error:
        raise OSError(
            f"Expected to write {str(path)!r}; what was there before is as it was. "
            f"Received: {error.strerror or error}"
        ) from error
    finally:
        if os.path.exists(partial):  # False also in a folder that cannot be looked into any more
            partial.unlink()


def _flush(path):
    """Returns when a file, or the names in a folder, are on the disk, to outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path, value):
    """Writes a JSON file, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
