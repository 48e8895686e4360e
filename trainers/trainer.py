"""The loop that all trainers share: `main` for programs, `Run` for Python."""

import functools
import math
import sys

import keras

from tfflows import models
from trainers import (
    checkpoints,
    dequantizers,
    execution,
    optimizers,
    program,
    reading,
    report,
    strategies,
    stream,
)
from trainers import flags as trainer_flags
from trainers import settings as run_settings
from trainers.averages import AveragedCopy
from trainers.callbacks import Curves, EndOfEpoch, SampleGrids
from trainers.history import History
from trainers.skipping import StopSkipping
from trainers.workdir import Workdir


def main(recipe):
    """Runs a recipe as a program: one line and exit code 1 for an error of the user's."""
    names, arguments = trainer_flags.define(recipe)

    def work():
        with program.users_errors(recipe.name, ValueError, TypeError, OSError):
            settings = run_settings.resolve(recipe, names, arguments)
            with reading.named_files(settings):
                run = Run(recipe, settings)
                run.prepare()
        errors = (FloatingPointError, OSError, models.DataError)
        with program.users_errors(recipe.name, *errors), reading.named_files(settings):
            run.finish()

    program.run(recipe.name, work)


class Run:
    """A run of a recipe in a workdir, from wherever it stands there to its report.

    Args:
      recipe: the `Recipe`.
      settings: what `settings.resolve` returns.

    Raises:
      ValueError: if the workdir is another run's or cannot be written to.
    """

    def __init__(self, recipe, settings):
        self.recipe = recipe
        self.settings = settings
        self.identity = run_settings.identity(recipe, settings)
        self.folder = Workdir(settings.workdir)
        self.folder.check(self.identity, run_settings.DEFAULTS)
        self.history = History.load(self.folder.history)
        self.complete = self._end() is not None and report.is_complete(self.folder, self.history)

    def prepare(self):
        """Loads the data, makes the model or reads it back, and takes the workdir.

        Raises:
          ValueError, TypeError, FileNotFoundError: if the settings do not fit the data or each
            other, or a file in the workdir cannot be read; nothing is written then.
        """
        if self.complete:
            return
        settings = self.settings
        self.folder.lock()
        # First, as a CPU cannot be split any more once TensorFlow has used it.
        self.strategy = strategies.make(settings.strategy, settings.logical_cpus)
        strategies.check_batch_size(self.strategy, settings.batch_size)
        keras.utils.set_random_seed(settings.seed)
        train = stream.load_split(settings, "train")
        self.validation = stream.evaluation_batches(settings, "validation")
        self.steps = settings.steps_per_epoch or max(1, train.num_examples // settings.batch_size)
        self.together = self._steps_together()
        with self.strategy.scope():
            self.flow = self._make(train)
            self._compile()
            batches = stream.moment_batches(settings, self.steps)
            self.averaged = AveragedCopy(self.flow, functools.partial(self._make, train), batches)
        self._restore_or_start()
        self.folder.claim(self.identity)
        self._announce(train)

    def fit(self):
        """Trains from where the run stands to its end."""
        done, logs = len(self.history.rows), self.folder.path / "tensorboard"
        verbose = self.settings.verbose
        self.flow.fit(
            stream.training_batches(self.settings, self.steps, first_epoch=done),
            steps_per_epoch=self.steps,
            initial_epoch=done,
            epochs=self.settings.epochs,
            verbose=(1 if sys.stdout.isatty() else 2) if verbose == "auto" else int(verbose),
            callbacks=[
                EndOfEpoch(
                    self.folder, self.history, self.averaged, self.validation, self.settings
                ),
                StopSkipping(self.settings, self.steps),
                Curves(logs),
                SampleGrids(logs / "samples", self.averaged, self.settings),
            ],
        )

    def finish(self):
        """Trains as far as the settings say, writes the report and prints its closing line."""
        if self.complete:
            print(f"Finished already in {self.folder.path}: {self._end()}.")
        else:
            if self._end() is None:
                self.fit()
            print(f"Training is over: {self._end()}. Writing the report.", flush=True)
            steps = int(self.flow.optimizer.iterations.numpy())
            report.write(self.folder, self.history, self.settings, self.identity, steps)
        print(report.closing_line(self.folder), flush=True)

    def _end(self):
        return self.history.end(self.settings)

    def _steps_together(self):
        together = self.settings.steps_per_execution
        if together is None:
            return execution.steps_together(self.steps, self.settings.epochs)
        if self.steps % together:
            raise ValueError(
                f"Expected steps_per_execution to divide the {self.steps} steps of an epoch. "
                f"Received: steps_per_execution={together!r}"
            )
        return together

    def _make(self, data):
        arguments = dict(self.settings.arguments)
        if data.num_classes is not None:
            arguments["classes"] = data.num_classes
        shape, bins = data.event_shape, data.bins
        dequantizer = dequantizers.make(self.settings, shape, bins)
        return self.recipe.model(shape, bins=bins, dequantizer=dequantizer, **arguments)

    def _compile(self):
        settings = self.settings
        optimizer = optimizers.make(settings, self.steps * settings.epochs)
        # Biases, scales and shifts are few and have no reason to be small.
        vectors = [v for v in self.flow.trainable_variables if len(v.shape) < 2]
        optimizer.exclude_from_weight_decay(var_list=vectors)
        self.flow.compile(
            optimizer,
            steps_per_execution=self.together,
            jit_compile={"auto": "auto", "true": True, "false": False}[settings.jit_compile],
        )

    def _restore_or_start(self):
        if not any(file.exists() for file in self.folder.checkpoints):
            self.history = History()
            self.flow.initialize(*stream.first_batch(self.settings))
            return
        with self.strategy.scope():
            self.flow.optimizer.build(self.flow.trainable_variables)
            checkpoints.restore(self.flow, self.folder.checkpoints)
        updates = int(self.flow.optimizer.iterations.numpy())
        self.history = History.load(self.folder.history, updates, self.steps)

    def _announce(self, train):
        count = sum(math.prod(v.shape) for v in self.flow.trainable_variables)
        print(
            f"{self.recipe.model.__name__} with {count:,} parameters on {train.num_examples:,} "
            f"examples of {self.settings.dataset}: {self.settings.epochs} epochs of {self.steps} "
            f"steps of {self.settings.batch_size}, {self.together} at a time"
        )
        if self.history.rows:
            print(f"Going on after epoch {len(self.history.rows)} in {self.folder.path}")
        sys.stdout.flush()
