"""Times what `fit` delivers against the bare step, in turn, in images a second from a TFDS dataset.

python -m benchmarks.fit --data_dir=<folder of prepared TFDS datasets>    # a Glow on CIFAR-10
python -m benchmarks.fit --data_dir=<folder> --model=nice --steps=350 --json=fit.json

Bare is the model's own train step, called over and over on one batch in memory. Fit is `flow.fit`
with the trainers' data, callbacks and steps per execution; the end of an epoch, in which trainers
validate and write checkpoints, is not counted. A busy machine disturbs seconds more than it does
CPU seconds, those of all threads: what fit costs besides the step shows in both.
"""

import contextlib
import io
import itertools
import pathlib
import statistics
import tempfile
import time

import trainers  # noqa: F401  before TensorFlow, whose start-up remarks it holds back

# isort: split
import keras
from absl import flags

from benchmarks import program, report, settings
from trainers import callbacks, glow, nice, realnvp, stream, trainer
from trainers import flags as trainer_flags
from trainers import settings as run_settings

_RECIPES = {"glow": glow.RECIPE, "nice": nice.RECIPE, "realnvp": realnvp.RECIPE}
_PAUSE = 0.2  # seconds in which the pipeline reads ahead, before the bare steps are timed
_COMMON = ("dataset", "data_dir", "augment", "steps_per_execution")


def define(flag_values=flags.FLAGS):
    """Defines the program's flags."""
    settings.define(flag_values)
    text = "Data: digits or a TFDS name of images; their size counts, not --size and --channels."
    flags.DEFINE_string("dataset", "cifar10", text, flag_values=flag_values)
    text = "Folder of the prepared TFDS datasets; nothing is downloaded."
    flags.DEFINE_string("data_dir", None, text, flag_values=flag_values)
    flags.DEFINE_string("augment", "none", "The trainers' --augment.", flag_values=flag_values)
    text = "Steps in one call; if unset, as the trainers choose."
    flags.DEFINE_integer("steps_per_execution", None, text, lower_bound=1, flag_values=flag_values)
    text = "Steps of each in a round. The pipeline reads up to 8 batches ahead, so take many more."
    flags.DEFINE_integer("steps", 100, text, lower_bound=1, flag_values=flag_values)
    flags.DEFINE_integer("rounds", 9, "Rounds.", lower_bound=1, flag_values=flag_values)


class InTurn(keras.callbacks.Callback):
    """Times the epochs of a `fit`, and after each as many bare steps; the first round is dropped.

    Args:
      batch: batch of the bare steps.
      steps: steps of each in a round, as many as `steps_per_epoch`.
    """

    def __init__(self, batch, steps):
        super().__init__()
        self.seconds = {"bare": [], "fit": []}
        self.cpu_seconds = {"bare": [], "fit": []}
        self._batches = itertools.repeat(batch)
        self._steps = steps

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock of `fit`."""
        self._start = _clocks()

    def on_epoch_end(self, epoch, logs=None):
        """Stops it, and times the bare steps."""
        self._stop("fit", epoch)
        time.sleep(_PAUSE)
        self._start = _clocks()
        for _ in range(self._steps // self.model.steps_per_execution):
            # Given batches and no iterator, it calls the compiled step, one by one.
            last = self.model.train_function(self._batches)
        float(last["loss"])
        self._stop("bare", epoch)

    def _stop(self, name, epoch):
        if epoch:
            seconds, cpu_seconds = (b - a for a, b in zip(self._start, _clocks(), strict=True))
            self.seconds[name].append(seconds)
            self.cpu_seconds[name].append(cpu_seconds)


def run(flag_values=flags.FLAGS, progress=program.say):
    """Measures what the flags say, prints the table, and returns and writes the results.

    Raises:
      ValueError: if the dataset is not there, or the flags do not fit it or each other.
    """
    chosen = settings.resolve(flag_values)
    with tempfile.TemporaryDirectory() as folder:
        made = _prepared(chosen, flag_values, folder)
        in_turn = _fit(made, flag_values.rounds, pathlib.Path(folder))
    images = made.steps * made.settings.batch_size
    rows = [*_rows(images, in_turn.seconds, "s"), *_rows(images, in_turn.cpu_seconds, "CPU s")]
    together = made.flow.steps_per_execution
    progress(
        f"\n{chosen.model}, {chosen.arguments}, batches of {made.settings.batch_size} of "
        f"{made.settings.dataset}: {flag_values.rounds} rounds of {made.steps} steps each, "
        f"{together} an execution\n\n{report.table(rows)}"
    )
    results = {
        "settings": chosen,
        "environment": report.environment(),
        "rows": rows,
        "steps": made.steps,
        "steps_per_execution": together,
        "seconds": in_turn.seconds,
        "cpu_seconds": in_turn.cpu_seconds,
    }
    if flag_values.json:
        report.write(flag_values.json, **results)
    return results


def _prepared(chosen, flag_values, folder):
    """Returns the trainers' `Run` of the flags, ready to train."""
    recipe, values = _RECIPES[chosen.model], flags.FlagValues()
    names, arguments = trainer_flags.define(recipe, values)
    own = {name: flag_values[name].value for name in _COMMON}
    own |= {"workdir": f"{folder}/run", "batch_size": chosen.batch, **chosen.arguments}
    own |= {"steps_per_epoch": flag_values.steps, "epochs": flag_values.rounds + 1}
    own["jit_compile"] = str(chosen.jit).lower()
    values(["fit", *(f"--{name}={value}" for name, value in own.items() if value is not None)])
    made = trainer.Run(recipe, run_settings.resolve(recipe, names, arguments, values))
    try:
        made.prepare()
    except FileNotFoundError as error:  # no such dataset
        raise ValueError(*error.args) from error
    return made


def _fit(made, rounds, folder):
    batch = next(iter(stream.training_batches(made.settings, 1)))
    in_turn = InTurn(batch, made.steps)
    with contextlib.redirect_stdout(io.StringIO()):
        made.flow.fit(
            # One long epoch of data: the passes of the pipeline are no shorter than the trainers'.
            stream.training_batches(made.settings, made.steps * (rounds + 1)),
            steps_per_epoch=made.steps,
            epochs=rounds + 1,
            verbose=2,
            callbacks=[in_turn, callbacks.Curves(folder)],
        )
    return in_turn


def _rows(images, seconds, unit):
    """Returns the table's rows: images a second of both, and their ratio round by round."""
    bare, fit = ([images / s for s in seconds[name]] for name in ("bare", "fit"))
    ratios = [f / b for f, b in zip(fit, bare, strict=True)]
    return [
        _row(f"bare, images/{unit}", bare, 1),
        _row(f"fit, images/{unit}", fit, 1),
        _row(f"fit / bare, by {unit}", ratios, 3),
    ]


def _row(name, values, digits):
    spread = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {"": name, **{key: round(value, digits) for key, value in spread.items()}}


def _clocks():
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    program.main(define, run)
