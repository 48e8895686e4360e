"""The densities of a flow's distribution at points, and the bounds that they give for integers."""

import tensorflow as tf

from tfflows.models import batches, inputs, moments
from tfflows.models.bound import importance_bound
from tfflows.models.dequantization import dequantize
from tfflows.models.likelihood import MaximumLikelihood


class Density(MaximumLikelihood):
    """What a `Flow` computes of checked tensors, in a graph or not.

    Subclasses have `distribution`, its paired `_bijector` or None and its `_base`, `event_shape`,
    `bins` and `dequantizer`.
    """

    def _prepared(self, data):
        """Returns a step's x and condition, checked, and its examples, see `never_empty`."""
        x, condition = batches.unpack(data)
        x = inputs.guarded(self, inputs.in_graph(self, x))
        batch = inputs.batch_shape(x, self.event_shape)
        condition = inputs.checked_condition(self, condition, batch)
        # Among what batch normalization takes the moments of, an example for none would count.
        normalized = moments.moving(self)
        return (x, condition, None) if normalized else batches.never_empty(x, condition)

    @tf.function(reduce_retracing=True)
    def _training_pass(self, data, seed):
        """Evaluates a batch as training does, which moves moving moments."""
        x, condition, _ = self._prepared(data)
        self._weight(x, condition, seed, training=self.trainable)

    def _seed(self, training):
        """Returns the seed of a step's noise: the step's number in training, else 0."""
        optimizer = getattr(self, "optimizer", None)
        return optimizer.iterations + 1 if training and optimizer else 0

    def _continuous(self, x, seed=0, training=False):
        """Returns `(x + u, log q(u | x))` for integers and `(x, 0)` for floats."""
        if not x.dtype.is_integer:
            return tf.cast(x, self.variable_dtype), 0.0
        if self.dequantizer is not None:
            return self.dequantizer(x, seed=seed, training=training)
        return dequantize(x, len(self.event_shape), seed, self.variable_dtype, self.bins), 0.0

    def _weight(self, x, condition, seed=0, training=False):
        """Returns `log p(x + u) - log q(u | x)`, u being that of the seed, or `log p(x)`."""
        value, log_q = self._continuous(x, seed, training)
        return self._density(value, condition, training) - log_q

    def _bound(self, x, condition, samples):
        """Returns the bound for integers by so many draws, an int or a tensor."""
        like = tf.zeros(tf.shape(x)[: x.shape.rank - len(self.event_shape)], self.variable_dtype)
        return importance_bound(lambda seed: self._weight(x, condition, seed), samples, like)

    def _density(self, x, condition, training):
        if self._bijector is None:
            return self.distribution.log_prob(x)
        return self._latent_and_density(x, condition, training)[1]

    def _latent_and_density(self, x, condition, training):
        if self._bijector is None:
            return self.distribution.bijector.inverse(x), self.distribution.log_prob(x)
        z, log_det = self._bijector.inverse_and_log_det(x, condition=condition, training=training)
        return z, self._base.log_prob(z) + log_det
