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
    return np.concatenate(_values(flow, dataset, options)).astype(np.float64)


def bits_per_dim(flow, dataset, team=None):
    """Returns the mean over all examples of a dataset of batches, a Python float.

    Args:
      flow: the model.
      dataset: batches as above.
      team: the `Team` whose workers evaluate some of the batches each; None for this process alone.
    """
    if team is None or team.count == 1:
        return mean_bits(flow, log_probs(flow, dataset))
    share = team.shard(dataset)  # none of a few batches, perhaps
    values = [] if share.cardinality() == 0 else _values(flow, share, {})
    values = [value.astype(np.float64) for value in values]
    total, count = team.total([sum(map(np.sum, values)), sum(map(len, values))])
    return mean_bits(flow, np.array([total / count]))


def mean_bits(flow, log_probs):
    """Returns the mean bits per dimension of log-densities, a Python float."""
    return float(np.mean(metrics.bits_per_dim(log_probs, flow.event_shape)))


def _values(flow, dataset, options):
    """The log-densities of each batch, a list of arrays."""
    checked = given.batches(flow, dataset)
    batches = ((*batch, None) if isinstance(batch, tuple) else (batch, None) for batch in checked)
    return [flow.log_prob(x, condition, **options).numpy() for x, condition, *_ in batches]
