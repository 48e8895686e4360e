"""A trainable scale for each element of the event (NICE's last layer)."""

import tensorflow as tf

from tfflows.bijectors import checks
from tfflows.bijectors.bijector import Bijector


class DiagonalScale(Bijector):
    """Scales each element of the event by its own factor.

    ```
    forward:  x = z exp(-s)    log_det = -sum(s)
    inverse:  z = x exp(s)     log_det =  sum(s)
    ```

    s starts at zero. With `from_data`, `initialize(x)` sets it so that each element of its batch
    gets the root mean square 1: `s = -log(sqrt(mean(x^2)) + 1e-6)`.

    Shapes:
      event and latent: `event_shape`.

    Args:
      event_shape: Shape of the event.
      from_data: Whether `initialize` sets s; else it leaves it at zero, as the authors do.
      dtype: Dtype of event and variable.
      name: Name of the operations.

    Raises:
      ValueError: if `initialize` sees an empty batch.

    References: NICE (arXiv:1410.8516), section 3.3; `Homothety` in the authors' code.
    """

    def __init__(self, event_shape, *, from_data=True, dtype=tf.float32, name="diagonal_scale"):
        parameters = dict(locals())
        super().__init__(
            event_shape,
            dtype=checks.variable_dtype(dtype),
            is_constant_jacobian=True,
            parameters=parameters,
            name=name,
        )
        self.log_scale = tf.Variable(tf.zeros(self.event_shape, self.dtype), name="log_scale")
        self.from_data = from_data
        if from_data:
            self.initialized = tf.Variable(False, trainable=False, name="initialized")

    def _forward_and_log_det(self, z, condition=None, training=False):
        return z * tf.exp(-self.log_scale), -tf.reduce_sum(self.log_scale)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        return x * tf.exp(self.log_scale), tf.reduce_sum(self.log_scale)

    def _initialize(self, x, condition=None):
        if not self.from_data:
            return super()._initialize(x)
        checks.with_data(x)
        batch_axes = list(range(x.shape.rank - len(self.event_shape)))
        mean_square = tf.reduce_mean(tf.square(x), batch_axes)
        self.log_scale.assign(-tf.math.log(tf.sqrt(mean_square) + 1e-6))
        self.initialized.assign(True)
        return self._inverse_and_log_det(x)[0]
