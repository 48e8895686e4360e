"""The end of a run: the best model on all splits, the pictures, results.json, the SavedModel."""

import json
import math
import platform

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tfflows import data, export
from trainers import evaluation, pictures, stream, workdir

# Above this, the Gaussian's covariance takes gigabytes and its inverse minutes.
_LARGEST_GAUSSIAN = 4096


def is_complete(folder, history):
    """Whether everything was written for this history."""
    if not folder.results.exists():
        return False
    results = _read(folder)
    files = [folder.path / name for name in results["pictures"]]
    return results["epochs"] == len(history.rows) and all(file.exists() for file in files)


def write(folder, history, settings, identity, steps):
    """Writes the report of a finished run.

    Args:
      folder: the `Workdir`, with the best model.
      history: the `History`.
      settings: the run's settings.
      identity: what makes the run the one it is.
      steps: training steps made.
    """
    flow = keras.models.load_model(folder.best)
    splits = {name: stream.evaluation_batches(settings, name) for name in data.SPLITS}
    log_probs = {name: evaluation.log_probs(flow, dataset) for name, dataset in splits.items()}
    _calibrate(flow, log_probs["train"], folder.best)
    bits = {name: evaluation.mean_bits(flow, values) for name, values in log_probs.items()}
    gaussian = None
    if math.prod(flow.event_shape) <= _LARGEST_GAUSSIAN:
        gaussian = data.gaussian_bits_per_dim(splits["train"], splits["test"])
    names = _draw(folder, history, settings, flow, splits["test"], gaussian)
    saved = export.export_saved_model(flow, folder.path / "saved_model")
    results = {
        "model": identity["model"],
        "dataset": settings.dataset,
        "arguments": settings.arguments,
        "flags": {k: v for k, v in identity.items() if k not in settings.arguments},
        "steps": steps,
        "epochs": len(history.rows),
        "best_epoch": history.best["epoch"],
        "end": history.end(settings),
        "seconds": round(history.seconds, 1),
        "unit": unit(flow.bins),
        **{f"{name}_bits_per_dim": value for name, value in bits.items()},
        "gaussian_bits_per_dim": gaussian,
        "parameters": sum(math.prod(v.shape) for v in flow.trainable_variables),
        "pictures": names,
        "saved_model": str(saved.relative_to(folder.path)),
        "versions": _versions(),
    }
    workdir.write_json(folder.results, results)


def unit(bins):
    """Returns what "bits per dimension" are: code length of integers, or of a density."""
    return "bits/dim" if bins else "bits/dim (differential)"


def closing_line(folder):
    """Returns the run in one line, from its results."""
    results = _read(folder)
    test, gaussian = results["test_bits_per_dim"], results["gaussian_bits_per_dim"]
    line = f"test {results['unit']}: {test:.3f}"
    if gaussian is not None:
        line += f", of a full-covariance Gaussian: {gaussian:.3f}"
    return f"{line}; pictures: {', '.join(str(folder.path / n) for n in results['pictures'])}"


def _calibrate(flow, log_probs, path):
    """Keeps the training data's log-densities in the best model, for its anomaly scores."""
    if not np.isfinite(log_probs).all():
        print("No anomaly scores: some training data has no finite log-density.", flush=True)
        return
    flow.calibration = tfflows.models.Calibration(log_probs)
    with workdir.replacing(path) as partial:
        flow.save(partial)


def _draw(folder, history, settings, flow, test, gaussian):
    first = "density.png" if len(flow.event_shape) == 1 else "samples.png"
    if len(flow.event_shape) == 1:
        points = np.concatenate(list(test.as_numpy_iterator()))[:10_000]
        pictures.write_density(folder.path / first, flow, points, settings.seed)
    else:
        pictures.write_samples(folder.path / first, flow, settings.seed)
    pictures.write_history(folder.path / "history.png", history, gaussian, unit(flow.bins))
    return [first, "history.png"]


def _read(folder):
    return json.loads(folder.results.read_text(encoding="utf-8"))


def _versions():
    return {
        "tfflows": tfflows.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "tensorflow_probability": tfp.__version__,
        "python": platform.python_version(),
    }
