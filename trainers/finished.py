"""What a run has left behind: what it is of, and its best model."""

import types

import keras

# What of a run says which data it is of.
_DATA = ("dataset", "num_points", "pad_to", "bits", "class_conditional", "batch_size")


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


def data_settings(config, data_dir):
    """Returns the settings of a run's data, for `stream.load_split`.

    Args:
      config: of the run.
      data_dir: folder of the prepared TFDS datasets; None for TFDS's own.
    """
    return types.SimpleNamespace(**{name: config.get(name) for name in _DATA}, data_dir=data_dir)
