"""Bijectors made of bijectors: in sequence, turned round, or taken from TFP."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import checks
from tfflows.bijectors.bijector import Bijector


class Composite(Bijector):
    """Applies layers one after the other, written from data to latent.

    ```
    inverse:  z = layers[-1]^-1(... layers[0]^-1(x))    log_det = sum of the layers' log-dets
    forward:  x = layers[0](... layers[-1](z))          log_det = sum of the layers' log-dets
    ```

    `condition` and `training` go to every layer, unlike in `tfb.Chain`, which has the same order
    but hands keyword arguments on by the names of its elements.

    Shapes:
      event: that of the first layer; latent: that of the last.

    Args:
      layers: Sequence of bijectors. One of TFP's own may stand anywhere but first, and there too
        inside `FromTFP`, which states its event shape.
      name: Name of the operations.

    Raises:
      ValueError: if there is no layer, a layer's latent shape is not the next one's event shape,
        or dtypes differ.
      TypeError: if a layer is no bijector.
    """

    def __init__(self, layers, *, name="composite"):
        parameters = dict(locals())
        self._layers = _joined(layers)
        super().__init__(
            self._layers[0].event_shape,
            self._layers[-1].latent_shape,
            dtype=checks.one_dtype(self._layers, "layers"),
            is_constant_jacobian=all(layer.is_constant_jacobian for layer in self._layers),
            parameters=parameters,
            name=name,
        )

    @property
    def layers(self):
        """The layers from data to latent, a tuple."""
        return tuple(self._layers)

    def _forward_and_log_det(self, z, condition=None, training=False):
        total = tf.zeros([], z.dtype)
        for layer in reversed(self._layers):
            z, log_det = layer._forward_and_log_det(z, condition=condition, training=training)
            total += log_det
        return z, total

    def _inverse_and_log_det(self, x, condition=None, training=False):
        total = tf.zeros([], x.dtype)
        for layer in self._layers:
            x, log_det = layer._inverse_and_log_det(x, condition=condition, training=training)
            total += log_det
        return x, total

    def _initialize(self, x, condition=None):
        for layer in self._layers:
            x = layer._initialize(x, condition=condition)
        return x


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


def _joined(layers):
    """The layers, each checked against the one before, with TFP's own wrapped."""
    joined = []
    for layer in layers:
        if not isinstance(layer, tfp.bijectors.Bijector):
            raise TypeError(f"Expected layers to be bijectors. Received: layer={layer!r}")
        if not isinstance(layer, Bijector):
            if not joined:
                raise ValueError(
                    "Expected the first layer to state its event shape (wrap it in FromTFP). "
                    f"Received: layers[0]={layer!r}"
                )
            layer = FromTFP(joined[-1].latent_shape, layer)
        if joined and joined[-1].latent_shape != layer.event_shape:
            raise ValueError(
                f"Expected a layer for events of shape {joined[-1].latent_shape} after "
                f"{joined[-1].name}. Received: {layer.name}.event_shape={layer.event_shape}"
            )
        joined.append(layer)
    if not joined:
        raise ValueError(f"Expected at least one layer. Received: layers={layers!r}")
    return joined
