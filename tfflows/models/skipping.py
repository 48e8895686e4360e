"""Training steps that are skipped: those whose loss or gradient is not finite."""

import math

import keras
import tensorflow as tf

from tfflows.models import fused, moments, replicas


class Skips:
    """Counts skipped steps. A plain object, so that no file and no checkpoint has its variables.

    Attributes:
      of_epoch: variable, skipped steps since `reset`.
      in_row: variable, steps skipped since the last that was not.
    """

    def __init__(self):
        self.of_epoch, self.in_row = _counter("skipped_of_epoch"), _counter("skipped_in_row")

    def count(self, finite):
        """Counts a step; in replica context, with the same value on all replicas."""
        skipped = tf.cast(~finite, tf.int32)
        self.of_epoch.assign(self.of_epoch + skipped)
        self.in_row.assign((self.in_row + skipped) * skipped)

    def reset(self):
        """Starts a new epoch; steps skipped in a row go on."""
        self.of_epoch.assign(0)


class Moments:
    """The moving moments of a flow, which the forward pass moves before anything is known.

    Args:
      flow: A `Flow`; its moments are read now.
    """

    def __init__(self, flow):
        self._variables = [variable for variable, _ in moments.moving(flow)]
        self._before = [tf.identity(tf.convert_to_tensor(v)) for v in self._variables]

    def restore_unless(self, finite):
        """Puts the moments back to what was read, unless the step is taken."""
        for variable, before in zip(self._variables, self._before, strict=True):
            variable.assign(tf.where(finite, tf.convert_to_tensor(variable), before))


def all_finite(loss, gradients):
    """Whether the loss and the gradient, both of all replicas together, are finite: a scalar.

    A gradient whose norm overflows counts as not finite, as it does for clipping by the norm.
    """
    parts = [gradient for gradient in gradients if gradient is not None]
    finite = tf.math.is_finite(loss)
    return finite & tf.math.is_finite(tf.linalg.global_norm(parts)) if parts else finite


def apply(optimizer, gradients, variables, finite):
    """Makes the optimizer's whole step by the whole gradient if `finite`, nothing at all if not.

    Weights, the optimizer's own variables, averages and its number of iterations stay as they are
    then. An optimizer that scales losses must see its overflows, and skips the step itself.
    """

    def update(gradients):
        with fused.updates(optimizer), replicas.summed(optimizer):
            optimizer.apply(gradients, variables)

    def merged(strategy, gradients, finite):
        finite = strategy.experimental_local_results(finite)[0]
        replicas.act_if(finite, lambda: replicas.apply(strategy, optimizer, update, gradients))

    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        update([g if g is None else tf.where(finite, g, math.nan) for g in gradients])
    elif tf.__internal__.distribute.strategy_supports_no_merge_call():
        replicas.act_if(finite, lambda: update(gradients))
    else:
        # The optimizer leaves the replica, which no branch of a cond may: so the cond is outside.
        tf.distribute.get_replica_context().merge_call(merged, args=(gradients, finite))


def _counter(name):
    return tf.Variable(
        0,
        dtype=tf.int32,
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        name=name,
    )
