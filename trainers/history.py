"""`History`: what happened in each epoch, and what follows from it for the rest of the run."""

import json

from trainers import workdir


class History:
    """One row an epoch: `epoch`, `loss`, `bits_per_dim`, `seconds`, `val_bits_per_dim` or not.

    Besides `skipped_steps`, steps of the epoch whose loss or gradient was not finite, and
    `updates`, steps that were taken since the start of the run.

    All that a continued run has to know besides the weights follows from the rows.
    """

    def __init__(self, rows=()):
        self.rows = list(rows)

    @classmethod
    def load(cls, path, updates=None, steps_per_epoch=None):
        """Reads a history, or starts one where there is no file.

        Args:
          path: JSON file.
          updates: number of steps that were taken up to the last epoch's end before the checkpoint:
            a crash may have come between the history and the checkpoint, which is then the older
            one, and what follows it is left out. None for all.
          steps_per_epoch: steps of an epoch, for rows of older runs, which have no `updates`.

        Raises:
          ValueError: the file is no history, or not that of the checkpoint.
        """
        rows = []
        if path.exists():
            try:
                rows = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ValueError(f"Expected a history. Received: {str(path)!r}") from error
        if updates is None:
            return cls(rows)
        made = [row.get("updates", row["epoch"] * steps_per_epoch) for row in rows]
        kept = sum(number <= updates for number in made)
        if (made[kept - 1] if kept else 0) != updates:
            raise ValueError(
                f"Expected a history with an epoch that ends after {updates} steps, as the "
                f"checkpoint's last did. Received: {str(path)!r}, whose epochs end after {made}"
            )
        return cls(rows[:kept])

    def save(self, path):
        """Writes the rows, whole or not at all."""
        workdir.write_json(path, self.rows)

    @property
    def seconds(self):
        """Seconds of training in all epochs."""
        return sum(row["seconds"] for row in self.rows)

    @property
    def best(self):
        """The row with the lowest validation bits per dimension, the first of equals; or None."""
        return min(self._validated(), key=lambda row: row["val_bits_per_dim"], default=None)

    def end(self, settings):
        """Returns why the run is over, as a phrase, or None if it is not."""
        if len(self.rows) >= settings.epochs:
            return f"all {settings.epochs} epochs are done"
        validated = self._validated()
        if settings.patience and validated:
            stale = len(validated) - 1 - validated.index(self.best)
            if stale >= settings.patience:
                return f"no better validation in {stale} epochs"
        if settings.max_minutes and self.rows:
            if self.seconds + self.rows[-1]["seconds"] > 60 * settings.max_minutes:
                return f"another epoch would take longer than {settings.max_minutes:g} minutes"
        return None

    def _validated(self):
        return [row for row in self.rows if "val_bits_per_dim" in row]
