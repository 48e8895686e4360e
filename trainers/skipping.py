"""The end of a run whose steps are skipped one after the other, and what is wrong with them."""

import keras
import numpy as np

from tfflows.models import diagnosis
from trainers import stream


class StopSkipping(keras.callbacks.Callback):
    """Ends a run with a FloatingPointError when more than `max_skipped` steps in a row are skipped.

    It is looked at after as many steps as are made together. The weights are then those of the last
    step that was taken, and the checkpoint is one from before. It must come before `Progress`, lest
    that writes another.

    Args:
      settings: the run's settings.
      steps: steps of an epoch.
      progress: the `Progress` of the run.
    """

    def __init__(self, settings, steps, progress):
        super().__init__()
        self._settings = settings
        self._steps = steps
        self._progress = progress

    def on_train_batch_end(self, batch, logs=None):
        """Ends the run, if it must; `batch` is the last of those made together."""
        skipped = self.model.skipped_in_row
        if skipped > self._settings.max_skipped:
            epoch, step = self._progress.epoch, self._progress.step(batch)
            raise FloatingPointError(
                f"Expected at most {self._settings.max_skipped} steps in a row whose loss or "
                "gradient is not finite (a lower learning_rate, more warmup_steps or a clip_norm "
                f"may help). Received: {skipped}, the last of them step "
                f"{epoch * self._steps + step}, batch {step} of epoch {epoch + 1}, "
                f"{self._described(epoch, step)}"
            )

    def _described(self, epoch, step):
        """The range of the values of a step's batch, and where they first go wrong."""
        batches = stream.training_batches(self._settings, self._steps, epoch, step - 1)
        data = next(iter(batches.take(1)))
        x, condition = data if isinstance(data, tuple) else (data, None)
        values = x.numpy()
        seed = int(self.model.optimizer.iterations.numpy()) + 1
        where = diagnosis.first_non_finite(self.model, x, condition, seed)
        return (
            f"with values from {np.min(values):g} to {np.max(values):g}; first not finite: "
            f"{where or 'nothing outside of the graph'}"
        )
