"""ActNorm: a shift and scale a channel that starts from the data (Glow)."""

import tensorflow as tf

from tfflows.bijectors import checks
from tfflows.bijectors.linear import Linear


class ActNorm(Linear):
    """A trainable shift and scale of each channel.

    ```
    forward:  x = z exp(-f s) - b       log_det = -P f sum(s)
    inverse:  z = (x + b) exp(f s)      log_det =  P f sum(s)
              P: positions an event (height * width), f: log_scale_factor
    ```

    `initialize(x)` sets b and s so that each channel of its batch has mean 0 and variance 1:
    `b = -mean`, `s = -log(std + 1e-6) / f`, and `initialized` to True. Nothing else does: it starts
    as the identity, and no other call assigns.

    Shapes:
      event and latent: `event_shape`, channels last.

    Args:
      event_shape: Shape of the event.
      log_scale_factor: f, in effect a factor on the learning rate of s; 3 in the authors' code.
      dtype: Dtype of event and variables.
      name: Name of the operations.

    Raises:
      ValueError: if `log_scale_factor` is not positive, or `initialize` sees an empty batch.

    References: Glow (arXiv:1807.03039), section 3.1, and the authors' `actnorm`.
    """

    _structure_of = ("log_scale_factor",)

    def __init__(self, event_shape, *, log_scale_factor=3.0, dtype=tf.float32, name="act_norm"):
        parameters = dict(locals())
        self.log_scale_factor = checks.number(log_scale_factor, "log_scale_factor", low=0)
        super().__init__(
            event_shape,
            dtype=checks.variable_dtype(dtype),
            is_constant_jacobian=True,
            parameters=parameters,
            name=name,
        )
        *outer, channels = self.event_shape
        self._positions = tf.TensorShape(outer).num_elements()
        self.shift = tf.Variable(tf.zeros([channels], self.dtype), name="shift")
        self.log_scale = tf.Variable(tf.zeros([channels], self.dtype), name="log_scale")
        self.initialized = tf.Variable(False, trainable=False, name="initialized")

    def _forward_and_log_det(self, z, condition=None, training=False):
        a = self.log_scale_factor * self.log_scale
        return z * tf.exp(-a) - self.shift, -self._map_log_det()

    def _inverse_and_log_det(self, x, condition=None, training=False):
        a = self.log_scale_factor * self.log_scale
        return (x + self.shift) * tf.exp(a), self._map_log_det()

    def _inverse_map(self):
        scale = tf.exp(tf.cast(self.log_scale_factor * self.log_scale, tf.float64))
        return tf.linalg.diag(scale), tf.cast(self.shift, tf.float64) * scale

    def _forward_map(self):
        scale = tf.exp(tf.cast(-self.log_scale_factor * self.log_scale, tf.float64))
        return tf.linalg.diag(scale), -tf.cast(self.shift, tf.float64)

    def _map_log_det(self):
        return self._positions * tf.reduce_sum(self.log_scale_factor * self.log_scale)

    def _initialize(self, x, condition=None):
        checks.with_data(x)
        mean, variance = tf.nn.moments(x, axes=list(range(x.shape.rank - 1)))
        self.shift.assign(-mean)
        self.log_scale.assign(-tf.math.log(tf.sqrt(variance) + 1e-6) / self.log_scale_factor)
        self.initialized.assign(True)
        return self._inverse_and_log_det(x)[0]
