"""`Position`: where within an epoch a run stands, and what its next step needs besides weights."""

import dataclasses

from tfflows.models import unsaved


@dataclasses.dataclass(frozen=True)
class Position:
    """The place of a checkpoint in the epoch after those of the history.

    Attributes:
      steps: steps made in it, skipped ones too; 0 between two epochs.
      seconds: spent on it.
      state: what `unsaved.state` returned; None for that of a fresh model.
    """

    steps: int = 0
    seconds: float = 0.0
    state: dict | None = None

    @classmethod
    def of(cls, flow, steps, seconds):
        """Returns the position of a flow as it is now."""
        return cls(steps, seconds, unsaved.state(flow))

    def restore(self, flow):
        """Puts the state back into a flow.

        Raises:
          ValueError: it is that of another flow.
        """
        if self.state is not None:
            unsaved.restore(flow, self.state)

    @property
    def taken(self):
        """The steps that were not skipped."""
        return self.steps and self.steps - self.state["skipped_steps"][0]

    def described(self, epochs):
        """Returns the place as a phrase, of a run with so many whole epochs."""
        return f"step {self.steps} of epoch {epochs + 1}" if self.steps else f"epoch {epochs}"
