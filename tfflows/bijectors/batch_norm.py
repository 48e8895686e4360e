"""Batch normalization with its log-det, as at the outputs of RealNVP's couplings."""

import tensorflow as tf

from tfflows.bijectors import checks, partitions, reversible
from tfflows.bijectors.bijector import Bijector


class BatchNorm(Bijector):
    """Normalizes each channel by moments of batches, with the log-det counted.

    ```
    forward:  x = z sqrt(v + epsilon) + m        log_det =  N/2 sum log(v + epsilon)
    inverse:  z = (x - m) / sqrt(v + epsilon)    log_det = -N/2 sum log(v + epsilon)
              on the changed part of the event, N its positions; the kept part passes
    ```

    m and v are the moving moments. With `training=True` the inverse takes those of its batch
    instead and moves the moving ones, `new = old + (1 - momentum) (batch - old)`; the moments are
    those of all replicas together. The forward direction always takes the moving ones. As in the
    authors' code, the moments of a masked part are those of the whole tensor, zeros included.
    `initialize(x)` sets the moving moments to those of its batch.

    Shapes:
      event and latent: `event_shape`, channels last.

    Args:
      event_shape: Shape of the event.
      partition: `Halves` or `Mask` with the part to normalize; the whole event if None.
      epsilon: Added to the variance.
      momentum: Share of the old moving moments that a training step keeps.
      dtype: Dtype of event and variables.
      name: Name of the operations.

    Raises:
      TypeError: if `partition` is none.
      ValueError: if `epsilon` or `momentum` is out of range, the partition is of another event, or
        `initialize` sees an empty batch.

    References: RealNVP (arXiv:1605.08803), section 3.7, and the authors' `batch_norm_log_diff`.
    """

    def __init__(
        self,
        event_shape,
        partition=None,
        *,
        epsilon=1e-4,
        momentum=0.9,
        dtype=tf.float32,
        name="batch_norm",
    ):
        parameters = dict(locals())
        super().__init__(
            event_shape,
            dtype=checks.variable_dtype(dtype),
            is_constant_jacobian=True,
            parameters=parameters,
            name=name,
        )
        partition = partitions.Mask(event_shape, 0.0) if partition is None else partition
        self.partition = partitions.checked(partition)
        if self.partition.event_shape != self.event_shape:
            raise ValueError(
                f"Expected a partition of events of shape {self.event_shape}. "
                f"Received: partition.event_shape={self.partition.event_shape}"
            )
        self.epsilon = checks.number(epsilon, "epsilon", low=0)
        self.momentum = checks.number(momentum, "momentum", low=0, high=1)
        channels = self.partition.changed_shape[-1:]
        self.moving_mean = _moving(tf.zeros(channels, self.dtype), "moving_mean")
        self.moving_variance = _moving(tf.ones(channels, self.dtype), "moving_variance")
        self.initialized = tf.Variable(False, trainable=False, name="initialized")

    def _forward_and_log_det(self, z, condition=None, training=False):
        kept, changed = self.partition.split(z)
        mean, variance = self.moving_mean, self.moving_variance + self.epsilon
        changed = changed * tf.sqrt(variance) + mean
        return self.partition.merge(kept, changed), -self._inverse_log_det(variance)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        kept, changed = self.partition.split(x)
        if training:
            mean, variance = _moments(changed)
            self._move(mean, variance, 1 - self.momentum)
        else:
            mean, variance = tf.convert_to_tensor(self.moving_mean), self.moving_variance
        return self._normalized(kept, changed, mean, variance)

    def _normalized(self, kept, changed, mean, variance):
        variance = variance + self.epsilon
        changed = (changed - mean) * tf.math.rsqrt(variance)
        return self.partition.merge(kept, changed), self._inverse_log_det(variance)

    def _inverse_and_residual(self, x, condition, training):
        if not training:
            return super()._inverse_and_residual(x, condition, training)
        kept, changed = self.partition.split(x)
        moments = _moments(changed)
        self._move(*moments, 1 - self.momentum)
        return (*self._normalized(kept, changed, *moments), moments)

    def _backward(self, z, residual, dz, dlog_det, condition, training):
        if not training:
            return super()._backward(z, residual, dz, dlog_det, condition, training)
        mean, variance = residual
        kept, changed = self.partition.split(z)
        changed = changed * tf.sqrt(variance + self.epsilon) + mean
        x = self.partition.merge(kept, changed)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            kept, changed = self.partition.split(x)
            results = self._normalized(kept, changed, *_moments(changed))
        (dx,) = reversible.gradients(tape, results, [x], dz, dlog_det)
        return x, dx, None, []

    def _initialize(self, x, condition=None):
        checks.with_data(x)
        self._move(*_moments(self.partition.split(x)[1]), rate=1.0)
        self.initialized.assign(True)
        return self._inverse_and_log_det(x)[0]

    def _inverse_log_det(self, variance):
        terms = -0.5 * tf.math.log(variance)
        return self.partition.sum(tf.broadcast_to(terms, self.partition.changed_shape))

    def _move(self, mean, variance, rate):
        self.moving_mean.assign(self.moving_mean + rate * (mean - self.moving_mean))
        self.moving_variance.assign(self.moving_variance + rate * (variance - self.moving_variance))


def _moving(value, name):
    # Every replica computes the same moments, so any replica's value is right.
    return tf.Variable(
        value,
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        name=name,
    )


def _moments(value):
    """Mean and variance of each channel over the batches of all replicas."""
    axes = list(range(value.shape.rank - 1))
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return tf.nn.moments(value, axes)

    def total(part):
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, part)

    # Sums and counts, as the replicas' shares of a last batch may be unequal, or even empty.
    count = total(tf.cast(tf.size(value) / value.shape[-1], value.dtype))
    mean = total(tf.reduce_sum(value, axes)) / count
    return mean, total(tf.reduce_sum(tf.square(value - mean), axes)) / count
