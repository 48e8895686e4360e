"""Evaluates a run's best model on every example of a split, and prints one line.

python -m trainers.evaluate --workdir=runs/glow --split=test

The data is the run's: its dataset, padding, bits and, for a class-conditional model, labels. What
follows a +- is the standard error of the mean over the examples.
"""

import math
import pathlib

import numpy as np
from absl import flags

from tfflows import data, metrics
from trainers import evaluation, finished, program, reading, report, stream, workdir
from trainers import flags as trainer_flags


def main():
    """Runs the program."""
    _define(flags.FLAGS)

    def work():
        values = flags.FLAGS
        with program.users_errors("evaluate", ValueError, TypeError, OSError):
            path = _checked_path(values["json"].value)
            results = evaluate(
                values.workdir,
                values.split,
                dequantization_samples=values.dequantization_samples,
                batch_size=values.batch_size,
                data_dir=values.data_dir,
            )
            if path is not None:
                workdir.write_json(path, results)
        print(line(results))

    program.run("evaluate", work)


def evaluate(folder, split, *, dequantization_samples=1, batch_size=None, data_dir=None):
    """Returns the likelihood of a split under the best model of a run.

    Args:
      folder: the run's workdir.
      split: one of `data.SPLITS`.
      dequantization_samples: draws of noise for the likelihood of integers, see `Flow`.
      batch_size: examples in a batch; None for the run's.
      data_dir: folder of the prepared TFDS datasets; None for TFDS's own.

    Returns:
      Dict of plain values: means over the examples and their standard errors, None for one example.

    Raises:
      ValueError, FileNotFoundError: the folder has no run, or the data is not there.
    """
    run = workdir.Workdir(folder)
    config, flow = finished.config(run), finished.best(run)
    settings = finished.data_settings(config, data_dir)
    settings.batch_size = batch_size or settings.batch_size
    dataset = stream.load_split(settings, split, shuffle=False).dataset
    samples = {"dequantization_samples": dequantization_samples}
    with reading.named_files(settings):
        nats = -evaluation.log_probs(flow, dataset, **samples)
    return {
        "model": config["model"],
        "dataset": settings.dataset,
        "split": split,
        "examples": len(nats),
        **samples,
        "unit": report.unit(flow.bins),
        **_moments("bits_per_dim", metrics.bits_per_dim(-nats, flow.event_shape)),
        **_moments("nats", nats),
    }


def line(results):
    """Returns the results in one line."""
    bits, nats = (
        f"{results[name]:.{digits}f}" + ("" if error is None else f" +- {error:.{digits}f}")
        for name, digits in (("bits_per_dim", 4), ("nats", 2))
        for error in [results[f"{name}_standard_error"]]
    )
    text = f"{results['split']} {results['unit']}: {bits}, nats per example: {nats}"
    text += f", {results['examples']:,} examples"
    samples = results["dequantization_samples"]
    return text if samples == 1 else f"{text}, {samples} dequantization samples each"


def _define(to):
    text = "Folder of a run of one of the trainers."
    flags.DEFINE_string("workdir", None, text, required=True, flag_values=to)
    trainer_flags.choice(to, "split", data.SPLITS, "Split to evaluate on.", default="test")
    text = "Draws of noise for the likelihood of integers: the more, the tighter the bound."
    trainer_flags.count(to, "dequantization_samples", text, default=1)
    trainer_flags.count(to, "batch_size", "Examples in a batch; the run's if unset.")
    text = "Folder of the prepared TFDS datasets; nothing is downloaded."
    flags.DEFINE_string("data_dir", None, text, flag_values=to)
    flags.DEFINE_string("json", None, "File to write the results to as JSON.", flag_values=to)


def _checked_path(path):
    """The path of the JSON file, refused before the work if it cannot be written."""
    if path is None:
        return None
    path = pathlib.Path(path).expanduser()
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise ValueError(f"Expected json to be a file in a folder. Received: json={str(path)!r}")
    return path


def _moments(name, values):
    count = len(values)
    error = float(np.std(values, ddof=1) / math.sqrt(count)) if count > 1 else None
    return {name: float(np.mean(values)), f"{name}_standard_error": error}


if __name__ == "__main__":
    main()
