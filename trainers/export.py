"""Exports a run's best model for serving, and prints the folder.

python -m trainers.export --workdir=runs/glow --export_dir=served/glow

The folder of versions is what a TensorFlow server is given; `docs/serving.md` goes on from there.
"""

from absl import flags

import tfflows
from trainers import finished, program, workdir
from trainers import flags as trainer_flags


def main():
    """Runs the program."""
    _define(flags.FLAGS)

    def work():
        values = flags.FLAGS
        with program.users_errors("export", ValueError, TypeError, OSError, ImportError):
            path = export(
                values.workdir,
                values.export_dir,
                version=values.version,
                warmup=[int(rows) for rows in values.warmup],
                max_batch_size=values.max_batch_size,
                max_temperature=values.max_temperature,
            )
        print(path)

    program.run("export", work)


def export(folder, export_dir, *, version=None, warmup=(), **bounds):
    """Exports a run's best model.

    Args:
      folder: the run's workdir.
      export_dir: folder of the versions.
      version: of the model; None for the next.
      warmup: numbers of rows of warm-up requests, none for no such requests.
      **bounds: of `tfflows.export_saved_model`.

    Returns:
      Path of the SavedModel.

    Raises:
      ValueError: the folder has no run, or the values do not fit.
      RuntimeError: a server would not serve what was written.
    """
    run = workdir.Workdir(folder)
    finished.config(run)
    path = tfflows.export_saved_model(finished.best(run), export_dir, version, **bounds)
    problems = tfflows.check_servable(path)
    if problems:
        raise RuntimeError(f"Expected an export that can be served: {' '.join(problems)}")
    if warmup:
        tfflows.write_warmup(path, batch_sizes=list(warmup))
    return path


def _define(to):
    text = "Folder of a run of one of the trainers."
    flags.DEFINE_string("workdir", None, text, required=True, flag_values=to)
    text = "Folder of the model's versions, each a SavedModel."
    flags.DEFINE_string("export_dir", None, text, required=True, flag_values=to)
    trainer_flags.count(to, "version", "Version to write; the next if unset.", least=0)
    text = "Numbers of rows of warm-up requests to write, with commas between."
    flags.DEFINE_list("warmup", [], text, flag_values=to)
    trainer_flags.count(to, "max_batch_size", "Most rows of a request.", default=1024)
    text = "Highest temperature of samples."
    flags.DEFINE_float("max_temperature", 2.0, text, lower_bound=1e-6, flag_values=to)


if __name__ == "__main__":
    main()
