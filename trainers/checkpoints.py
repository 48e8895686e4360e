"""Weights from the newest checkpoint that is whole."""

import sys
import zipfile


def restore(flow, files):
    """Loads the first of several checkpoints that can be, and says which could not.

    Args:
      flow: the model, its optimizer built.
      files: paths of the checkpoints, the newest first.

    Raises:
      ValueError: none of them can be loaded.
    """
    problems = []
    for file in files:
        problem = _problem(flow, file)
        if problem is None:
            for text in problems:
                print(
                    f"Warning: no checkpoint, so the one before it is used: {text}", file=sys.stderr
                )
            return
        problems.append(problem)
    raise ValueError(f"Expected a checkpoint. Received: {'; '.join(problems)}")


def _problem(flow, file):
    """Loads a checkpoint, or returns what is wrong with it."""
    try:
        flow.load_weights(file)  # an archive, which has checksums
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        return f"{str(file)!r}, {error}"
    return None
