"""What a run has left behind: what it is of, and its best model."""

import keras


def config(run):
    """Returns what makes the run of a `Workdir` the one it is.

    Raises:
      ValueError: the folder has no run with a validated model.
    """
    if not run.config.exists() or not run.best.exists():
        raise ValueError(
            "Expected workdir to have a run with a validated model: config.json and best.keras. "
            f"Received: workdir={str(run.path)!r}"
        )
    return run.read_config()


def best(run):
    """Returns the best model of the run of a `Workdir`.

    Raises:
      ValueError: its file is no model's.
    """
    try:
        return keras.models.load_model(run.best, safe_mode=True)
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise ValueError(
            f"Expected best.keras to be a run's. Received: {str(run.best)!r}, {error}"
        ) from error
