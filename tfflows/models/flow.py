"""`Flow`: a Keras model over a TFP distribution, trained by maximum likelihood."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, metrics
from tfflows.models import batches, bridge, inputs, sampling, workers
from tfflows.models.calibration import Calibrated
from tfflows.models.summary import summarize


class Flow(Calibrated):
    """A density model of vectors or images: a `tfd.Distribution` as a `keras.Model`.

    `compile` needs an optimizer and no loss: the loss is the mean negative log-likelihood in nats.
    `fit`, `evaluate` and `predict` take arrays, `tf.data` and Keras data sets of `x` or `(x, y)`,
    y being ignored but where it is labels (`Glow` with `classes`); x may be a dict
    `{"x": ..., "condition": ...}` where the distribution's conditioners take a condition. `predict`
    gives the log-density of each example. Bad data are a `DataError` that says which element.

    With `bins` set, the data is integers `0 ... bins - 1`, and the distribution one of the
    continuous scale `[0, bins)`. Integer input is dequantized, `x + u` with u uniform on (0, 1), or
    of the density q(u | x) of a `dequantizer`: by the step's noise in training, by fixed noise
    otherwise, so that evaluations repeat exactly. Float input is a point of the continuous density
    as it is. For integers

    ```
    log_prob = log (1/k) sum_j p(x + u_j) / q(u_j | x),    k = dequantization_samples, 1 by default
    ```

    bounds the log-probability of x from below in the mean, the closer the larger k, and
    `-log_prob / (D ln 2)` is bits per dimension.

    Two habits of the hosts: Keras casts float arrays given to `fit`, `evaluate` and `predict` to
    `keras.config.floatx()`, so float64 data comes as `tf.data`; and TFP's eager methods of
    `distribution` return what they remember of a tensor, even if the weights have changed since,
    unless they are given `tf.identity` of it. The methods here are not concerned.

    Shapes:
      x: `[*batch, *event_shape]` (`fit` and the like: `[batch, *event_shape]`).
      z: `[*batch, *latent_shape]`; for the named models a vector of the event's size.

    Args:
      distribution: A `tfd.Distribution` with a known event shape and no batch shape. `encode`,
        `decode` and `temperature` need a `TransformedDistribution`. All its variables, those of
        TFP and those of Keras layers inside, are the model's.
      bins: Number of integer values of an element, or None for continuous data.
      dequantizer: A `VariationalDequantizer` of this event shape, dtype and number of bins, which
        is trained with the flow, or None for uniform noise.
      name: Name of the model.
      dtype: Dtype of the events; that of the distribution if None.

    Raises:
      TypeError: if `distribution` or `dequantizer` is none.
      ValueError: if shapes do not fit or `bins` is below 2.

    References: variational dequantization, arXiv:1902.00275; several samples, arXiv:1509.00519.
    """

    classes = None  # number of them, where a subclass takes labels as its condition

    def __init__(self, distribution, *, bins=None, dequantizer=None, name=None, dtype=None):
        inputs.check_distribution(distribution)
        super().__init__(name=name, dtype=dtype or distribution.dtype.name)
        self.distribution = distribution
        self.bins = None if bins is None else inputs.check_bins(bins)
        self.event_shape = tuple(distribution.event_shape.as_list())
        self.dequantizer = inputs.check_dequantizer(self, dequantizer)
        self._base = getattr(distribution, "distribution", None)
        self._bijector = bridge.paired(getattr(distribution, "bijector", None), self.event_shape)
        if bridge.holds_foreign(distribution):  # TFP's own may create variables when first called
            distribution.log_prob(tf.zeros([1, *self.event_shape], distribution.dtype))
        self._networks = bridge.keras_layers(distribution)
        for variable in bridge.other_variables(distribution, self._networks):
            self._track_variable(variable)
        self._flags = bridge.initialized_flags(distribution, self._networks)
        self._bits_per_dim = metrics.BitsPerDim(self.event_shape)
        self.built = True

    # The density and its parts.

    def log_prob(self, x, condition=None, dequantization_samples=1):
        """Returns the log-density of each datum in nats, `batch`; of integers, the bound above."""
        x, condition = inputs.checked_pair(self, x, condition)
        samples = inputs.check_samples(self, dequantization_samples, x)
        if samples == 1:
            return batches.evaluate(self._log_prob, self.event_shape, x, condition)
        count = tf.constant(samples)
        return batches.evaluate(self._log_bound, self.event_shape, x, condition, count)

    def sample(self, n=1, temperature=1.0, seed=None, condition=None):
        """Draws data.

        Args:
          n: Number of samples, an int.
          temperature: Factor on the base distribution's deviations from its mean, at least 0; 1
            samples the model's density. A list has one for each of `latent_shapes`.
          seed: Int for the same samples every time; None for others each time.
          condition: `[n, ...]` for the conditioners, or None.

        Returns:
          Float tensor `[n, *event_shape]`, on the scale `[0, bins)` where `bins` is set (see
          `to_integers`).

        Raises:
          ValueError: if `n`, `temperature` or `seed` is out of range, or the distribution has no
            base to scale.
        """
        shapes = self.latent_shapes
        n, temperatures, seed = sampling.check_sampling(n, temperature, seed, shapes)
        condition = inputs.checked_condition(self, condition, (n,))
        seed = tfp.random.sanitize_seed(None if seed is None else [seed, 0])
        if not self._invertible() and temperatures == (1.0,):
            return self.distribution.sample(n, seed=seed)
        z = self._latents("temperature").sample(n, seed=seed)
        z = sampling.tempered(z, self._base.mean(), temperatures, shapes)
        return self._decode(z, condition, z.shape.rank)

    def encode(self, x, condition=None):
        """Returns the latent of each datum, `[*batch, *latent_shape]`."""
        return self.encode_and_log_prob(x, condition)[0]

    def encode_and_log_prob(self, x, condition=None):
        """Returns `(encode(x), log_prob(x))` from one evaluation."""
        self._latents("encode")
        x, condition = inputs.checked_pair(self, x, condition)
        return batches.evaluate(self._encode, self.event_shape, x, condition)

    @property
    def latent_shape(self):
        """Shape of the latent of one datum, a tuple; None where the distribution has none."""
        return tuple(self._base.event_shape.as_list()) if self._invertible() else None

    @property
    def latent_shapes(self):
        """Shapes of the parts of a latent in their order in it, a list; None without a latent.

        Those of the levels of a multi-scale flow, `(height, width, channels)` each; else the one
        `latent_shape`.
        """
        shape = self.latent_shape
        return None if shape is None else bridge.latent_shapes(self._bijector, shape)

    def decode(self, z, condition=None):
        """Returns the datum of each latent, `[*batch, *event_shape]`."""
        shape = self._latents("decode").event_shape
        z = inputs.checked_latent(z, shape, self.variable_dtype)
        condition = inputs.checked_condition(self, condition, inputs.batch_shape(z, shape))
        return batches.evaluate(self._decode, shape, z, condition)

    def to_integers(self, x):
        """Returns the integers `0 ... bins - 1` whose cells hold `x` (uint8 up to 256 bins)."""
        if self.bins is None:
            raise ValueError("Expected a model of integer data. Received: bins=None")
        x = inputs.checked_continuous(x)
        floor = tf.clip_by_value(tf.floor(x), 0, self.bins - 1)
        return tf.cast(floor, tf.uint8 if self.bins <= 256 else tf.int32)

    # The start from data.

    @property
    def initialized(self):
        """Whether all data-dependent parts (ActNorm and the like) have been started."""
        return all(bool(flag.numpy()) for flag in self._flags)

    def initialize(self, x, condition=None):
        """Starts the data-dependent parts from one batch; `fit` does if nobody has.

        Call it outside of `strategy.run`; on all of several workers, which start as the first.

        Args:
          x: Batch of at least tens of examples.
          condition: Its conditions, or None.

        Raises:
          ValueError: if some part is not reached, being inside one of TFP's own bijectors or an
            `Invert`; start it by its own `initialize`.
        """
        x, condition = inputs.checked_pair(self, x, condition)
        bijectors.checks.with_data(x)
        if self._bijector is not None:
            self._bijector.initialize(self._continuous(x)[0], condition=condition)
            workers.share(self.weights, self.distribute_strategy)
        if not self.initialized:
            raise ValueError(
                "Expected data-dependent parts in a Composite, a MultiScale or a tfb.Chain, or "
                f"started on their own. Received: distribution={self.distribution!r}"
            )

    # Keras.

    def call(self, data, training=False):
        """Returns log-densities `[batch]` for `x` or `{"x": x, "condition": condition}`."""
        x, condition, count = self._prepared(data)
        training = training and self.trainable
        samples = 1 if training else inputs.check_samples(self, self._samples, x)
        if samples == 1:
            return self._weight(x, condition, self._seed(training), training)[:count]
        return self._bound(x, condition, samples)[:count]

    def summary(self, line_length=None, print_fn=None):
        """Prints the flow layer by layer: latent-side shape and numbers of parameters."""
        for line in summarize(self, line_length):
            (print_fn or print)(line)

    def get_config(self):
        """Refuses: a distribution has no configuration. The named models have one."""
        raise NotImplementedError(
            "Expected a model that can be rebuilt from its arguments; this one was made from a "
            "distribution, so save its weights, or write a subclass with get_config. "
            f"Received: distribution={self.distribution!r}"
        )

    # Inside.

    def _invertible(self):
        return isinstance(self._base, tfp.distributions.Distribution) and hasattr(
            self.distribution, "bijector"
        )

    def _latents(self, what):
        """The distribution of z, if there is one."""
        if not self._invertible():
            raise ValueError(
                f"Expected a TransformedDistribution for {what}. "
                f"Received: distribution={self.distribution!r}"
            )
        return self._base

    # The rank keeps the graphs of one rank, shared by all batch sizes, from those of another.

    @tf.function(reduce_retracing=True)
    def _log_prob(self, x, condition, rank):
        return self._weight(x, condition)

    @tf.function(reduce_retracing=True)
    def _log_bound(self, x, condition, rank, samples):
        return self._bound(x, condition, samples)

    @tf.function(reduce_retracing=True)
    def _encode(self, x, condition, rank):
        value, log_q = self._continuous(x)
        z, log_prob = self._latent_and_density(value, condition, training=False)
        return z, log_prob - log_q

    @tf.function(reduce_retracing=True)
    def _decode(self, z, condition, rank):
        if self._bijector is None:
            return self.distribution.bijector.forward(z)
        return self._bijector.forward_and_log_det(z, condition=condition)[0]
