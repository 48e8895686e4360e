"""What happens at the end of an epoch: validation, checkpoints, sample grids, the end of all."""

import keras
import tensorflow as tf

from trainers import evaluation, pictures, workdir


class EndOfEpoch(keras.callbacks.Callback):
    """Validates, writes the best model, the history and the checkpoint, and ends the run.

    In this order: the checkpoint is what a continued run starts from, so with it all else is there;
    without it the epoch is done again. It must be the first of the callbacks, as it adds the
    validation to the logs.

    Args:
      folder: the `Workdir`.
      history: the `History` up to the first epoch of this run.
      averaged: the `AveragedCopy` of the model.
      validation: dataset of batches.
      settings: the run's settings.
      progress: the `Progress` of the run.
    """

    def __init__(self, folder, history, averaged, validation, settings, progress):
        super().__init__()
        self._folder = folder
        self._history = history
        self._averaged = averaged
        self._validation = validation
        self._settings = settings
        self._progress = progress

    def on_epoch_end(self, epoch, logs):
        """Does what the class says."""
        if logs["skipped_steps"] >= self.params["steps"]:
            raise FloatingPointError(
                "Expected a finite loss and gradient (a lower learning_rate, more warmup_steps or "
                f"a clip_norm may help). Received: none in all steps of epoch {epoch + 1}"
            )
        row = {"epoch": epoch + 1, "loss": logs["loss"], "bits_per_dim": logs["bits_per_dim"]}
        row["skipped_steps"] = int(logs["skipped_steps"])
        row["updates"] = int(self.model.optimizer.iterations.numpy())
        best = self._history.best
        if self._is_validated(epoch + 1):
            flow = self._averaged.update()
            batches = self._progress.watched(self._validation)
            bits = evaluation.bits_per_dim(flow, batches, self._progress.team)
            row["val_bits_per_dim"] = logs["val_bits_per_dim"] = bits
            better = best is None or bits < best["val_bits_per_dim"]
            if better and self._progress.team.is_first:
                with workdir.replacing(self._folder.best) as partial:
                    flow.save(partial)
        self._write(row)
        self.model.stop_training = self._history.end(self._settings) is not None

    def _is_validated(self, epoch):
        """The last epoch always is; so is the first, lest an early end leaves no best model."""
        every, last = self._settings.validate_every, self._settings.epochs
        return epoch % every == 0 or epoch in (1, last)

    def _write(self, row):
        row["seconds"] = self._progress.end_epoch()
        self._history.rows.append(row)
        if self._progress.team.is_first:
            self._history.save(self._folder.history)
        self._progress.save()


class Curves(keras.callbacks.TensorBoard):
    """Writes an epoch's loss and metrics to TensorBoard, and does nothing at its steps.

    Keras' own callback goes through its summaries at each step, to write none, which takes 0.2 ms,
    and makes `fit` wait for every step's loss.

    Args:
      directory: folder of the event files.
    """

    on_train_batch_begin = keras.callbacks.Callback.on_train_batch_begin
    on_train_batch_end = keras.callbacks.Callback.on_train_batch_end

    def __init__(self, directory):
        super().__init__(str(directory), write_graph=False)


class SampleGrids(keras.callbacks.Callback):
    """Writes grids of samples to TensorBoard, the same latents each time.

    Args:
      directory: folder of the event files.
      averaged: the `AveragedCopy` of the model, which validation keeps up to date.
      settings: the run's settings.
    """

    def __init__(self, directory, averaged, settings):
        super().__init__()
        self._writer = tf.summary.create_file_writer(str(directory))
        self._averaged = averaged
        self._settings = settings

    def on_epoch_end(self, epoch, logs=None):
        """Draws, if it is time."""
        if (epoch + 1) % self._settings.samples_every:
            return
        flow = self._averaged.update()
        with self._writer.as_default():
            for temperature in pictures.TEMPERATURES:
                seed = self._settings.seed
                samples = pictures.sampled(flow, 8, temperature=temperature, seed=seed)
                image = pictures.drawn(flow, samples)
                tf.summary.image(f"samples/temperature_{temperature:g}", image[None], epoch)

    def on_train_end(self, logs=None):
        """Closes the file."""
        self._writer.close()
