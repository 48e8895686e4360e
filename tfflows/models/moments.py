"""Moving moments of batch normalizations, taken anew for weights that training did not have."""

import tensorflow as tf

from tfflows.models import batches, given


def update_moments(flow, data):
    """Sets the moving moments of a flow's batch normalizations to their means over batches.

    Evaluation and sampling normalize by the moving moments, which training keeps for its own
    weights. Any others, such as moving averages of them (Keras' `use_ema`), need moments of their
    own: a RealNVP whose weights are averaged over a thousand steps is off by many bits/dim without.
    The batches pass through the flow as in training, and each counts the same. Flows without batch
    normalization stay as they are.

    Args:
      flow: a `Flow`.
      data: iterable of batches as `fit` takes them, of at least tens of examples; some dozens of
        them are enough. A `tf.data.Dataset` or a list.

    Raises:
      ValueError: if there are no batches, or they are not data of the flow.

    References: stochastic weight averaging (arXiv:1803.05407), section 3.2.
    """
    pairs = moving(flow)
    if not pairs:
        return
    sums, count = [0.0] * len(pairs), 0
    before = kept = [_value(variable) for variable, _ in pairs]
    try:
        for count, batch in enumerate(given.batches(flow, data), start=1):
            _pass(flow, batch, count)
            after = [_value(variable) for variable, _ in pairs]
            for i, (_, rate) in enumerate(pairs):
                # The moments of this batch alone.
                sums[i] += before[i] + (after[i] - before[i]) / rate
            before = after
        if not count:
            raise ValueError(f"Expected at least one batch. Received: data={data!r}")
        kept = [total / count for total in sums]
    finally:  # bad data leave the moments as they were
        for (variable, _), value in zip(pairs, kept, strict=True):
            variable.assign(tf.cast(value, variable.dtype))


def moving(flow):
    """Returns pairs of a moving moment and the share of it that a batch replaces."""
    owners = [*flow.distribution.submodules, *flow._flatten_layers()]
    owners = [owner for owner in owners if hasattr(owner, "moving_variance")]
    variables = [(getattr(o, name), 1 - o.momentum) for o in owners for name in _NAMES]
    return [(variable, rate) for variable, rate in variables if rate > 0]


_NAMES = ("moving_mean", "moving_variance")


def _value(variable):
    return tf.cast(tf.convert_to_tensor(variable), tf.float64)


def _pass(flow, batch, seed):
    batch = batches.with_labels(flow, batch)
    flow._training_pass(batch[0] if isinstance(batch, tuple | list) else batch, tf.constant(seed))
