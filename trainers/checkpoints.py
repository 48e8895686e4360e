"""Checkpoints: a flow's file with the place where it was taken, and the newest that is whole."""

import dataclasses
import json
import sys
import zipfile

from trainers import workdir
from trainers.position import Position

# In the archive that a .keras file is, beside Keras' own entries, which it does not disturb.
_ENTRY = "run.json"


def write(flow, position, files):
    """Writes a checkpoint, whole or not at all.

    Args:
      flow: the model.
      position: the `Position`.
      files: path of the newest checkpoint and those that it and the older ones are moved to.
    """
    last, *older = files
    with workdir.replacing(last, older) as partial:
        flow.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(_ENTRY, json.dumps(dataclasses.asdict(position)))


def restore(flow, files, team):
    """Loads the first of several checkpoints that can be, and says which could not.

    Args:
      flow: the model, its optimizer built.
      files: paths of the checkpoints, the newest first.
      team: the `Team`, all of whose workers load the first one's file.

    Returns:
      Its `Position`; that of an epoch's end for a file without, which older versions wrote.

    Raises:
      ValueError: none of them can be loaded.
    """
    problems = []
    with team.copies() as copy:
        for file in files:
            position, problem = None, None
            try:
                position = _loaded(flow, copy(file))
            except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
                problem = f"{str(file)!r}, {error}"
            if team.largest([problem is not None])[0]:
                problems.append(problem or f"{str(file)!r}, which another worker could not read")
                continue
            if team.is_first:
                for text in problems:
                    print(f"Warning: {_SKIPPED}: {text}", file=sys.stderr)
            return position
    raise ValueError(f"Expected a checkpoint. Received: {'; '.join(problems)}")


_SKIPPED = "no checkpoint, so the one before it is used"


def _loaded(flow, file):
    with zipfile.ZipFile(file) as archive:
        known = _ENTRY in archive.namelist()
        position = Position(**json.loads(archive.read(_ENTRY))) if known else Position()
    flow.load_weights(file)  # an archive, which has checksums
    position.restore(flow)
    return position
