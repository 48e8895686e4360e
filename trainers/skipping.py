"""The end of a run whose steps are skipped one after the other, and what is wrong with them."""

import keras
import numpy as np

from tfflows.models import diagnosis
from trainers import stream


class StopSkipping(keras.callbacks.Callback):
    """Ends a run with a FloatingPointError when more than `max_skipped` steps in a row are skipped.

    It is looked at after as many steps as are made together. The weights are then those of the last
    step that was taken, and the checkpoint that of the last epoch.

    Args:
      settings: the run's settings.
      steps: steps of an epoch.
    """

    def __init__(self, settings, steps):
        super().__init__()
        self._settings = settings
        self._steps = steps

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Ends the run, if it must; `batch` is the last of those made together."""
        skipped = self.model.skipped_in_row
        if skipped > self._settings.max_skipped:
            step = self._epoch * self._steps + batch + 1
            raise FloatingPointError(
                f"Expected at most {self._settings.max_skipped} steps in a row whose loss or "
                "gradient is not finite (a lower learning_rate, more warmup_steps or a clip_norm "
                f"may help). Received: {skipped}, the last of them step {step}, batch {batch + 1} "
                f"of epoch {self._epoch + 1}, {self._described(batch)}"
            )

    def _described(self, batch):
        """The range of a batch's values, and where they first go wrong."""
        batches = stream.training_batches(self._settings, self._steps, first_epoch=self._epoch)
        data = next(iter(batches.skip(batch).take(1)))
        x, condition = data if isinstance(data, tuple) else (data, None)
        values = x.numpy()
        seed = int(self.model.optimizer.iterations.numpy()) + 1
        where = diagnosis.first_non_finite(self.model, x, condition, seed)
        return (
            f"with values from {np.min(values):g} to {np.max(values):g}; first not finite: "
            f"{where or 'nothing outside of the graph'}"
        )
