"""What replicas know of a batch together, so that many of them train as one device does."""

import contextlib

import tensorflow as tf


def total(values):
    """Returns the sums of a structure of tensors over all replicas; in their context, or alone."""
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return values
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, values)


def whole(numbers, gradients):
    """Returns the sums of some numbers and of a gradient, in which None is none.

    One reduction for all: by the gradient of the whole batch the optimizer clips as on one device.
    """
    known = [gradient for gradient in gradients if gradient is not None]
    sums = total([*numbers, *known])
    rest = iter(sums[len(numbers) :])
    return sums[: len(numbers)], [None if g is None else next(rest) for g in gradients]


@contextlib.contextmanager
def summed(optimizer):
    """Context in which an optimizer takes gradients as those of all replicas together.

    Keras sums them up after it has clipped each replica's part, which is another optimizer.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    optimizer.__dict__["_all_reduce_sum_gradients"] = lambda pairs: pairs
    try:
        yield
    finally:
        optimizer.__dict__.pop("_all_reduce_sum_gradients", None)


def apply(strategy, optimizer, update, gradients):
    """Makes a step from outside the replicas, where `update(gradients)` makes one in each.

    Keras asks in a replica whether to overwrite weights by their averages, where no condition may
    decide what replicas do together.
    """
    frequency, optimizer.ema_overwrite_frequency = optimizer.ema_overwrite_frequency, None
    try:
        strategy.extended.call_for_each_replica(update, args=(gradients,))
    finally:
        optimizer.ema_overwrite_frequency = frequency
    if optimizer.use_ema and frequency:
        variables = optimizer._trainable_variables
        act_if(
            optimizer.iterations % frequency == 0,
            lambda: optimizer._overwrite_model_variables_with_average_value(variables),
        )


def act_if(condition, act):
    """Calls a function, in a graph too, for what it changes."""

    def acted():
        act()
        return tf.constant(0)

    tf.cond(condition, acted, lambda: tf.constant(0))


def check_optimizer(strategy, optimizer):
    """Refuses an optimizer that Keras cannot use on several devices of one process."""
    if optimizer is None:  # of a model that is evaluated only
        return
    steps = getattr(optimizer, "inner_optimizer", optimizer).gradient_accumulation_steps
    if steps and strategy.num_replicas_in_sync > 1 and strategy.extended._use_merge_call():
        raise ValueError(
            "Expected an optimizer that accumulates no gradients, which Keras cannot do on replicas"
            f". Received: gradient_accumulation_steps={steps!r}"
        )
