"""The base class of all bijectors: value and log-det from one evaluation, in TFP's interface."""

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.internal import cache_util

from tfflows.bijectors import checks, reversible, structure


class Bijector(structure.Structured, tfp.bijectors.Bijector):
    """A bijection between a latent z and a datum x whose value and log-det are one computation.

    ```
    forward:  x = f(z)          log_det = log |det df/dz|(z)
    inverse:  z = f^-1(x)       log_det = log |det df^-1/dx|(x)
    ```

    A subclass implements the pair

    ```
    _forward_and_log_det(z, condition=None, training=False) -> (x, log_det)
    _inverse_and_log_det(x, condition=None, training=False) -> (z, log_det)
    ```

    and everything else is derived here: TFP's `forward`, `inverse` and both log-det-Jacobians
    (which cost one evaluation together, since the pair fills TFP's cache), event shapes, and the
    public pair `forward_and_log_det`, `inverse_and_log_det`, which skips TFP's bookkeeping.

    All methods accept `condition`, a tensor handed to every conditioner, and `training`, which only
    batch statistics and the conditioners look at. With `training=False`, the default, no method
    but `initialize` assigns a variable.

    Shapes:
      x: `[*batch, *event_shape]`, z: `[*batch, *latent_shape]`, any batch shape.
      log_det: `batch`, or a scalar where the Jacobian is constant.
    """

    # TFP asks for value and log-det in two calls. Values computed through this cache leave their
    # log-det in it, so the second call is free. The one place that touches TFP's internals.
    _cache = cache_util.BijectorCacheWithGreedyAttrs(
        forward_name="_forward_and_attributes", inverse_name="_inverse_and_attributes"
    )

    def __init__(
        self,
        event_shape,
        latent_shape=None,
        *,
        dtype=None,
        is_constant_jacobian=False,
        parameters=None,
        name=None,
    ):
        """Sets the shapes.

        Args:
          event_shape: Shape of one datum x, all dimensions known and positive.
          latent_shape: Shape of its latent z; `event_shape` if None.
          dtype: Floating dtype of x and z, or None where any will do.
          is_constant_jacobian: Whether the log-det is the same for every input.
          parameters: The subclass's constructor arguments, for `copy`.
          name: Name of the operations.

        Raises:
          ValueError: if a shape has an unknown or non-positive dimension.
          TypeError: if `dtype` is not floating, or `name` no string.
        """
        if not isinstance(name, str | None):
            raise TypeError(f"Expected name to be a string, or None. Received: name={name!r}")
        self._event_shape = checks.shape(event_shape, "event_shape")
        self._latent_shape = (
            self._event_shape
            if latent_shape is None
            else checks.shape(latent_shape, "latent_shape")
        )
        super().__init__(
            dtype=checks.floating(dtype),
            forward_min_event_ndims=len(self._latent_shape),
            inverse_min_event_ndims=len(self._event_shape),
            is_constant_jacobian=is_constant_jacobian,
            parameters=parameters,
            name=name,
        )

    def structure(self):
        """Returns what the computation depends on besides the variables, or None: `Structured`."""
        own = super().structure()
        return own and (own, self._event_shape, self._latent_shape, self.dtype)

    @property
    def event_shape(self):
        """Shape of one datum, a tuple."""
        return self._event_shape

    @property
    def latent_shape(self):
        """Shape of one latent, a tuple."""
        return self._latent_shape

    def forward_and_log_det(self, z, condition=None, training=False):
        """Returns `(x, log|det dx/dz|)` in one evaluation, without TFP's caching."""
        z = self._checked(z, self._latent_shape, "z")
        return self._forward_and_log_det(z, condition=condition, training=training)

    def inverse_and_log_det(self, x, condition=None, training=False):
        """Returns `(z, log|det dz/dx|)` in one evaluation, without TFP's caching."""
        x = self._checked(x, self._event_shape, "x")
        return self._inverse_and_log_det(x, condition=condition, training=training)

    def initialize(self, x, condition=None):
        """Sets what starts from data (ActNorm and the like) by one batch, and returns its latent.

        Call it once, eagerly, outside any replica, before training. Bijectors without such state
        only return `z`. Args and shapes are those of `inverse_and_log_det`.
        """
        x = self._checked(x, self._event_shape, "x")
        return self._initialize(x, condition=condition)

    def _forward_and_log_det(self, z, condition=None, training=False):
        raise NotImplementedError(f"{type(self).__name__}._forward_and_log_det")

    def _inverse_and_log_det(self, x, condition=None, training=False):
        raise NotImplementedError(f"{type(self).__name__}._inverse_and_log_det")

    def _initialize(self, x, condition=None):
        return self._inverse_and_log_det(x, condition=condition)[0]

    # For reversible training.

    def _inverse_and_residual(self, x, condition, training):
        """Returns z, the log-det, and what `_backward` needs to know besides z, a tuple."""
        return (*self._inverse_and_log_det(x, condition=condition, training=training), ())

    def _backward(self, z, residual, dz, dlog_det, condition, training):
        """Returns x and the gradients with respect to x, the condition (None for none) and each of
        `trainable_variables`, from z and the gradients with respect to z and the log-det."""
        x = tf.stop_gradient(self._forward_and_log_det(z, condition=condition)[0])
        inputs, variables = reversible.floating(x, condition), list(self.trainable_variables)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([*inputs, *variables])
            results = self._inverse_and_log_det(x, condition=condition, training=training)
        sources = [*inputs, *variables]
        values = reversible.gradients(tape, results, sources, dz, dlog_det)
        dcondition = values[1] if len(inputs) == 2 else None
        return x, values[0], dcondition, values[len(inputs) :]

    def _checked(self, value, shape, name):
        value = checks.tensor(value, name, self.dtype)
        if self.dtype is not None and value.dtype != self.dtype:
            raise TypeError(
                f"Expected {name} of dtype {self.dtype.name}, the dtype of {self.name}. "
                f"Received: {name}.dtype={value.dtype.name}"
            )
        return checks.event(value, shape, name)

    # TFP's side.

    def _forward_and_attributes(self, z, **kwargs):
        x, log_det = self._forward_and_log_det(checks.event(z, self._latent_shape, "z"), **kwargs)
        return x, {"ildj": -log_det}

    def _inverse_and_attributes(self, x, **kwargs):
        z, log_det = self._inverse_and_log_det(checks.event(x, self._event_shape, "x"), **kwargs)
        return z, {"ildj": log_det}

    def _forward_log_det_jacobian(self, z, **kwargs):
        x = self._cache.forward(z, **kwargs)  # held while its attributes are read
        log_det = -self._cache.forward_attributes(z, **kwargs)["ildj"]
        del x
        return log_det

    def _inverse_log_det_jacobian(self, x, **kwargs):
        z = self._cache.inverse(x, **kwargs)
        log_det = self._cache.inverse_attributes(x, **kwargs)["ildj"]
        del z
        return log_det

    def _forward_event_shape(self, shape):
        return checks.static_event_shape(shape, self._latent_shape, self._event_shape)

    def _inverse_event_shape(self, shape):
        return checks.static_event_shape(shape, self._event_shape, self._latent_shape)

    def _forward_event_shape_tensor(self, shape):
        outer = shape[: shape.shape[0] - len(self._latent_shape)]
        return tf.concat([outer, self._event_shape], axis=0)

    def _inverse_event_shape_tensor(self, shape):
        outer = shape[: shape.shape[0] - len(self._event_shape)]
        return tf.concat([outer, self._latent_shape], axis=0)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}  # no bijector here has batches of parameters

    def _get_parameterization(self):
        return id(self)  # equal arguments do not make equal variables
