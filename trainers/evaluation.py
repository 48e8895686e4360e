"""Log-densities of a whole split, exactly: every example counts the same."""

import numpy as np

from tfflows import metrics
from tfflows.models import given


def log_probs(flow, dataset, **options):
    """Returns the log-density in nats of every example, a float64 array.

    It runs on one device: a last batch of a few examples would leave nothing for some of several.

    Args:
      flow: the model.
      dataset: batches `x`, or `(x, labels)` for a class-conditional model.
      **options: of `flow.log_prob`.

    Raises:
      DataError: with the batch and the example whose data are none of the flow's.
    """
    checked = given.batches(flow, dataset)
    batches = ((*batch, None) if isinstance(batch, tuple) else (batch, None) for batch in checked)
    values = [flow.log_prob(x, condition, **options) for x, condition, *_ in batches]
    return np.concatenate(values).astype(np.float64)


def bits_per_dim(flow, dataset, progress):
    """Returns the mean over all examples of a dataset of batches, a Python float.

    Each worker evaluates some of the batches.

    Args:
      flow: the model.
      dataset: batches as above.
      progress: the `Progress` of the run, which looks in between.
    """
    team = progress.team
    shares = progress.watched(team.shard(dataset))
    if team.count == 1:
        return mean_bits(flow, log_probs(flow, shares))
    values = [log_probs(flow, [batch]) for batch in shares]
    total, count = team.total([sum(map(np.sum, values)), sum(map(len, values))])
    return mean_bits(flow, np.array([total / count]))


def mean_bits(flow, log_probs):
    """Returns the mean bits per dimension of log-densities, a Python float."""
    return float(np.mean(metrics.bits_per_dim(log_probs, flow.event_shape)))
