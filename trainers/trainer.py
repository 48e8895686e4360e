"""The loop that all trainers share: `main` for programs, `Run` for Python."""

import functools
import math
import sys

import keras

from tfflows import models
from trainers import (
    checkpoints,
    execution,
    flows,
    program,
    reading,
    report,
    signals,
    strategies,
    stream,
)
from trainers import flags as trainer_flags
from trainers import settings as run_settings
from trainers.averages import AveragedCopy
from trainers.callbacks import Curves, EndOfEpoch, SampleGrids
from trainers.history import History
from trainers.position import Position
from trainers.progress import Progress
from trainers.skipping import StopSkipping
from trainers.team import Team
from trainers.workdir import Workdir


def main(recipe):
    """Runs a recipe as a program.

    An error of the user's is one line and exit code 1; a signal that ends it is one line and 143,
    for SIGTERM, or 130, for Ctrl-C.
    """
    names, arguments = trainer_flags.define(recipe)

    def work():
        with program.stoppable(recipe.name) as stop:
            with program.users_errors(recipe.name, ValueError, TypeError, OSError):
                settings = run_settings.resolve(recipe, names, arguments)
                # Several workers would wait for the one that looks through its files.
                files = functools.partial(
                    reading.named_files, settings, search=settings.strategy != "multi_worker"
                )
                with files():
                    run = Run(recipe, settings, stop)
                    run.prepare()
            errors = (FloatingPointError, OSError, models.DataError)
            with program.users_errors(recipe.name, *errors), files():
                run.finish()

    program.run(recipe.name, work)


class Run:
    """A run of a recipe in a workdir, from wherever it stands there to its report.

    Args:
      recipe: the `Recipe`.
      settings: what `settings.resolve` returns.
      stop: a `signals.Stop` by which the run can be asked to stop, or None.

    Raises:
      ValueError: if the workdir is another run's or cannot be written to, or the settings differ
        from worker to worker.
    """

    def __init__(self, recipe, settings, stop=None):
        self.recipe = recipe
        self.settings = settings
        self.stop = signals.Stop() if stop is None else stop
        self.position = Position()
        self.identity = run_settings.identity(recipe, settings)
        self.folder = Workdir(settings.workdir)
        # First, as a CPU cannot be split any more once TensorFlow has used it.
        self.strategy = strategies.make(settings.strategy, settings.logical_cpus, settings.tpu)
        self.team = Team(self.strategy)
        with self.team.whole():
            run_settings.check_alike(self.identity, settings, self.team)
            rows, self.complete = self.team.by_first(self._look)
        self.history = History(rows)

    def _look(self):
        """Returns the rows of the workdir's history, and whether nothing is left to do."""
        self.folder.check(self.identity, run_settings.DEFAULTS)
        history = History.load(self.folder.history)
        over = history.end(self.settings) is not None
        return history.rows, over and report.is_complete(self.folder, history)

    def prepare(self):
        """Loads the data, makes the model or reads it back, and takes the workdir.

        A deterministic run makes TensorFlow deterministic for as long as the process lives.

        Raises:
          ValueError, TypeError, FileNotFoundError: if the settings do not fit the data or each
            other, or a file in the workdir cannot be read; nothing is written then.
        """
        if self.complete:
            return
        with self.team.whole():
            self._prepare()

    def _prepare(self):
        settings = self.settings
        self.team.by_first(self.folder.lock)
        strategies.check_batch_size(self.strategy, settings.batch_size)
        if settings.deterministic:
            execution.make_deterministic(settings)
        keras.utils.set_random_seed(settings.seed)
        train = stream.load_split(settings, "train")
        self.validation = stream.evaluation_batches(settings, "validation")
        self.steps = settings.steps_per_epoch or max(1, train.num_examples // settings.batch_size)
        self.together = flows.steps_together(settings, self.steps, self.team)
        with self.strategy.scope():
            make = functools.partial(flows.make, self.recipe, settings, train)
            self.flow = make()
            flows.compile_for(self.flow, settings, self.steps, self.together)
            batches = stream.moment_batches(settings, self.steps)
            self.averaged = AveragedCopy(self.flow, make, batches)
        self._restore_or_start()
        self.team.by_first(self.folder.claim, self.identity)
        if self.team.is_first:
            self._announce(train)

    def fit(self):
        """Trains from where the run stands to its end.

        Raises:
          Stopped: if it was asked to stop; it has saved what it had done.
        """
        if self.position.steps == self.steps:
            self._end_epoch()
        if self._end() is None:
            try:
                self._train()
            finally:
                self.stop.heed(begin=False)
        number = int(self.team.largest([self.stop.number or 0])[0])
        if number:
            where = "after training; the same command writes the report"
            raise signals.Stopped(number, where)

    def _train(self):
        done, start = len(self.history.rows), self.position
        self.flow.fit(
            stream.training_batches(self.settings, self.steps, done, start.steps),
            steps_per_epoch=self.steps,
            initial_epoch=done,
            epochs=self.settings.epochs,
            verbose=self._verbose(),
            callbacks=self._callbacks(),
        )
        self.position = Position()

    def finish(self):
        """Trains as far as the settings say, writes the report and prints its closing line."""
        with self.team.whole():
            if not self.complete and self._end() is None:
                self.fit()
            if self.team.is_first:
                self._report()
            self.team.wait()  # as a cluster that loses a worker ends

    def _report(self):
        if self.complete:
            print(f"Finished already in {self.folder.path}: {self._end()}.")
        else:
            print(f"Training is over: {self._end()}. Writing the report.", flush=True)
            steps = int(self.flow.optimizer.iterations.numpy()) - self.position.taken
            report.write(self.folder, self.history, self.settings, self.identity, steps)
        print(report.closing_line(self.folder), flush=True)

    def _end(self):
        return self.history.end(self.settings)

    def _end_epoch(self):
        """Does what was left of an epoch after its last step, without a step."""
        done, epochs, verbose = len(self.history.rows), self.settings.epochs, self._verbose()
        callbacks = keras.callbacks.CallbackList(
            self._callbacks(),
            add_progbar=verbose > 0,
            model=self.flow,
            verbose=verbose,
            epochs=epochs,
            steps=self.steps,
        )
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(done)
        skipped = self.steps - self.position.taken
        callbacks.on_epoch_end(done, {**self.flow.get_metrics_result(), "skipped_steps": skipped})
        callbacks.on_train_end()
        self.position = Position()

    def _callbacks(self):
        logs = self.folder.path / "tensorboard"
        progress = Progress(
            self.folder, self.settings, self.steps, self.stop, self.position, self.team
        )
        callbacks = [
            EndOfEpoch(
                self.folder, self.history, self.averaged, self.validation, self.settings, progress
            ),
            StopSkipping(self.settings, self.steps, progress),
            progress,
        ]
        if self.team.is_first:
            grids = SampleGrids(logs / "samples", self.averaged, self.settings)
            callbacks += [Curves(logs), grids]
        return callbacks

    def _verbose(self):
        verbose = self.settings.verbose if self.team.is_first else 0
        return (1 if sys.stdout.isatty() else 2) if verbose == "auto" else int(verbose)

    def _restore_or_start(self):
        if not self.team.by_first(self._has_checkpoint):
            self.history = History()
            self.flow.initialize(*stream.first_batch(self.settings))
            return
        with self.strategy.scope():
            self.flow.optimizer.build(self.flow.trainable_variables)
            self.position = checkpoints.restore(self.flow, self.folder.checkpoints, self.team)
        updates = int(self.flow.optimizer.iterations.numpy()) - self.position.taken
        self.history = History(self.team.by_first(self._rows_at, updates))
        # Of the steps that an epoch has left, with another steps_per_execution than before.
        self.together = math.gcd(self.together, self.steps - self.position.steps)
        self.flow.steps_per_execution = self.together

    def _has_checkpoint(self):
        return any(file.exists() for file in self.folder.checkpoints)

    def _rows_at(self, updates):
        return History.load(self.folder.history, updates, self.steps).rows

    def _announce(self, train):
        count = sum(math.prod(v.shape) for v in self.flow.trainable_variables)
        print(
            f"{self.recipe.model.__name__} with {count:,} parameters on {train.num_examples:,} "
            f"examples of {self.settings.dataset}: {self.settings.epochs} epochs of {self.steps} "
            f"steps of {self.settings.batch_size}, {self.together} at a time"
        )
        done = len(self.history.rows)
        if done or self.position.steps:
            print(f"Going on after {self.position.described(done)} in {self.folder.path}")
        sys.stdout.flush()
