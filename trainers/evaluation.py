"""Bits per dimension of a whole split, exactly: every example counts the same."""

import numpy as np

from tfflows import metrics


def bits_per_dim(flow, dataset):
    """Returns the mean over all examples of a dataset of batches, a Python float.

    It runs on one device: a last batch of a few examples would leave nothing for some of several.
    """
    total, count = 0.0, 0
    for x in dataset:
        bits = metrics.bits_per_dim(flow.log_prob(x), flow.event_shape)
        total += np.sum(bits.numpy(), dtype=np.float64)
        count += len(bits)
    return float(total / count)
