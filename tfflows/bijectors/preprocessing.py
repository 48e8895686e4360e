"""Fixed elementwise maps between the scale of the data and that of a flow."""

import math

import tensorflow as tf

from tfflows.bijectors import checks
from tfflows.bijectors.bijector import Bijector


class Rescale(Bijector):
    """A fixed scale and shift of every element.

    ```
    forward:  x = (z - shift) / scale    log_det = -D log|scale|
    inverse:  z = scale x + shift        log_det =  D log|scale|
              D: elements an event
    ```

    Shapes:
      event and latent: `event_shape`.

    Args:
      event_shape: Shape of the event.
      scale: Number other than zero.
      shift: Number.
      name: Name of the operations.

    Raises:
      ValueError: if `scale` is zero or a number is not finite.
    """

    def __init__(self, event_shape, scale=1.0, shift=0.0, *, name="rescale"):
        parameters = dict(locals())
        super().__init__(event_shape, is_constant_jacobian=True, parameters=parameters, name=name)
        self.scale = checks.number(scale, "scale")
        self.shift = checks.number(shift, "shift")
        if self.scale == 0:
            raise ValueError(f"Expected a scale other than zero. Received: scale={scale!r}")
        self._log_det = math.prod(self.event_shape) * math.log(abs(self.scale))

    def _forward_and_log_det(self, z, condition=None, training=False):
        return (z - self.shift) / self.scale, tf.constant(-self._log_det, z.dtype)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        return x * self.scale + self.shift, tf.constant(self._log_det, x.dtype)


class Logit(Bijector):
    """Maps the unit interval to the line, kept away from the ends.

    ```
    forward:  x = (sigmoid(z) - alpha) / (1 - 2 alpha)      log_det = -L(z)
    inverse:  z = logit(alpha + (1 - 2 alpha) x)            log_det =  L(z)
              L(z) = sum(softplus(z) + softplus(-z) + log(1 - 2 alpha))
    ```

    With alpha = 0.05 it is logit(0.05 + 0.9 x), which the code of RealNVP computes; its paper
    writes alpha + (1 - alpha) x.

    The density of what lies outside of the interval is 0: there z is 0 and the inverse's log-det
    minus infinity.

    Shapes:
      event and latent: `event_shape`, events in [0, 1].

    Args:
      event_shape: Shape of the event.
      alpha: Distance from the ends, at least 0 and below 1/2.
      name: Name of the operations.

    Raises:
      ValueError: if `alpha` is out of range.

    References: RealNVP (arXiv:1605.08803), section 4.1, and the authors' code.
    """

    def __init__(self, event_shape, alpha=0.05, *, name="logit"):
        parameters = dict(locals())
        super().__init__(event_shape, parameters=parameters, name=name)
        zero = checks.real(alpha) == 0
        self.alpha = 0.0 if zero else checks.number(alpha, "alpha", low=0, high=0.5)

    def _forward_and_log_det(self, z, condition=None, training=False):
        x = (tf.sigmoid(z) - self.alpha) / (1 - 2 * self.alpha)
        return x, -self._inverse_log_det(z)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        p = self.alpha + (1 - 2 * self.alpha) * x
        inside = (p > 0) & (p < 1)
        p = tf.where(inside, p, 0.5)
        z = tf.math.log(p) - tf.math.log(1 - p)
        axes = list(range(-len(self.event_shape), 0))
        possible = tf.reduce_all(inside, axis=axes)
        return z, tf.where(possible, self._inverse_log_det(z), -math.inf)

    def _inverse_log_det(self, z):
        terms = tf.nn.softplus(z) + tf.nn.softplus(-z) + math.log(1 - 2 * self.alpha)
        return tf.reduce_sum(terms, axis=list(range(-len(self.event_shape), 0)))
