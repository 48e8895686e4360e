"""`Progress`: the place of a run, its checkpoints, and its end when it is asked to stop."""

import time

import keras

from trainers import checkpoints, signals
from trainers.position import Position


class Progress(keras.callbacks.Callback):
    """Counts steps, writes checkpoints in the middle of an epoch, and stops when it is asked to.

    It looks after each call of the training function; validation has it look in between. An epoch
    that is gone on with ends after the steps it has left, by `stop_training`, which the callback at
    the epoch's end has to set anew.

    Args:
      folder: the `Workdir`.
      settings: the run's settings.
      steps: steps of an epoch.
      stop: the `signals.Stop` to look at.
      start: the `Position` that training goes on from.
      team: the `Team` of the run, whose workers stop and save together.

    Attributes:
      epoch: whole epochs that are done.
    """

    def __init__(self, folder, settings, steps, stop, start, team):
        super().__init__()
        self._folder = folder
        self._settings = settings
        self._steps = steps
        self._stop = stop
        self._start = start
        self.team = team

    def on_train_begin(self, logs=None):
        """Starts the clocks."""
        self._saved = time.monotonic()
        self._mark = self._saved - self._start.seconds
        self._unsaved = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Puts the means back that Keras has just reset, where an epoch is gone on with."""
        self.epoch, self._before = epoch, self._start.steps
        self._done = self._before
        if self._before:
            self._start.restore(self.model)
        self._start = Position()  # of the epochs that follow
        self.look()

    def on_train_batch_end(self, batch, logs=None):
        """Does what the class says; `batch` is the last of those made together."""
        self._stop.heed(begin=True)
        self._unsaved += self.step(batch) - self._done
        self._done = self.step(batch)
        if self._before and self._done == self._steps:
            self.model.stop_training = True
        if self.look():
            self.save()

    def step(self, batch):
        """Returns the step of the epoch, counted from 1, that `fit` made with this batch."""
        return self._before + batch + 1

    def look(self):
        """Saves and raises `Stopped`, if the run is asked to stop; returns if a checkpoint is due.

        All workers do the same: what any of them is asked to do, when the first has to save.
        """
        due = self.team.is_first and self._is_due()
        number, due = self.team.largest([self._stop.number or 0, due])
        if not number:
            return bool(due)
        lacking = self.team.is_first and not self._folder.last.exists()
        if self.team.largest([self._unsaved or lacking])[0]:
            self.save()
        self.team.wait()  # a launcher may end all when one has ended
        place = Position(self._done).described(self.epoch)
        where = f"after {place}; the same command goes on from {self._folder.last}"
        raise signals.Stopped(int(number), where)

    def watched(self, batches):
        """Returns the batches of a validation, looking before each; of several workers, before all.

        The workers' shares may differ in number.
        """
        if self.team.count == 1:
            return self._watched(batches)
        self.look()
        return batches

    def end_epoch(self):
        """Moves on to between two epochs, and returns the seconds that the epoch has taken."""
        now = time.monotonic()
        self._mark, seconds = now, now - self._mark
        self.epoch, self._done = self.epoch + 1, 0
        return self.team.by_first(lambda: seconds)

    def save(self):
        """Writes a checkpoint."""
        now = time.monotonic()
        position = Position.of(self.model, self._done, now - self._mark)  # all workers' means
        if self.team.is_first:
            checkpoints.write(self.model, position, self._folder.checkpoints)
        self._unsaved, self._saved = 0, time.monotonic()

    def _watched(self, batches):
        for batch in batches:
            self.look()
            yield batch

    def _is_due(self):
        steps, seconds = self._settings.checkpoint_steps, self._settings.checkpoint_seconds
        late = time.monotonic() - self._saved >= seconds
        return bool(steps and self._unsaved >= steps or seconds and late)
