"""A bijector made of another: turned round, or taken from TFP."""

import tensorflow_probability as tfp

from tfflows.bijectors import checks, reversible
from tfflows.bijectors.bijector import Bijector


class Invert(Bijector):
    """A bijector turned round: its forward is the other's inverse.

    ```
    forward:  x = b^-1(z)    log_det = log|det db^-1/dz|
    inverse:  z = b(x)       log_det = log|det db/dx|
    ```

    Its `initialize` only evaluates: a data-dependent start is defined from data to latent.

    Shapes:
      event: the latent shape of the other; latent: its event shape.

    Args:
      bijector: A bijector of this package.
      name: Name of the operations; "inverted_" and the other's name if None.

    Raises:
      TypeError: if the bijector is not of this package.
    """

    def __init__(self, bijector, *, name=None):
        parameters = dict(locals())
        if not isinstance(bijector, Bijector):
            raise TypeError(f"Expected a tfflows bijector. Received: bijector={bijector!r}")
        self.bijector = bijector
        super().__init__(
            bijector.latent_shape,
            bijector.event_shape,
            dtype=bijector.dtype,
            is_constant_jacobian=bijector.is_constant_jacobian,
            parameters=parameters,
            name=name or f"inverted_{bijector.name}",
        )

    def _forward_and_log_det(self, z, condition=None, training=False):
        return self.bijector._inverse_and_log_det(z, condition=condition, training=training)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        return self.bijector._forward_and_log_det(x, condition=condition, training=training)

    def _inverse_and_residual(self, x, condition, training):
        # Evaluated once more, dropout would differ and batch norm move its moments twice.
        if training and reversible.has_states(self.bijector):
            raise ValueError(
                "Expected nothing inside an Invert that training changes (dropout, batch norm of a "
                "conditioner) where activations are recomputed. "
                f"Received: bijector={self.bijector.name}"
            )
        return super()._inverse_and_residual(x, condition, training)


class FromTFP(Bijector):
    """One of TFP's bijectors as a layer of a `Composite`, given neither condition nor training.

    ```
    forward:  x = bijector.forward(z)    log_det = bijector.forward_log_det_jacobian(z)
    inverse:  z = bijector.inverse(x)    log_det = bijector.inverse_log_det_jacobian(x)
    ```

    Shapes:
      event: `event_shape`; latent: the bijector's `inverse_event_shape` of it.

    Args:
      event_shape: Shape of one datum.
      bijector: A `tfp.bijectors.Bijector` of tensors, not structures.
      name: Name of the operations; that of the bijector if None.

    Raises:
      TypeError: if `bijector` is none.
    """

    def __init__(self, event_shape, bijector, *, name=None):
        parameters = dict(locals())
        if not isinstance(bijector, tfp.bijectors.Bijector):
            raise TypeError(f"Expected a tfp bijector. Received: bijector={bijector!r}")
        event_shape = checks.shape(event_shape, "event_shape")
        self.bijector = bijector
        super().__init__(
            event_shape,
            bijector.inverse_event_shape(event_shape),
            dtype=bijector.dtype,
            is_constant_jacobian=bijector.is_constant_jacobian,
            parameters=parameters,
            name=name or bijector.name,
        )

    def _forward_and_log_det(self, z, condition=None, training=False):
        ndims = len(self.latent_shape)
        return self.bijector.forward(z), self.bijector.forward_log_det_jacobian(z, ndims)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        ndims = len(self.event_shape)
        return self.bijector.inverse(x), self.bijector.inverse_log_det_jacobian(x, ndims)
