"""Bijectors in sequence."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import checks, linear, reversible, sharing
from tfflows.bijectors.bijector import Bijector
from tfflows.bijectors.wrappers import FromTFP


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
      recompute: Whether backprop through the inverse recomputes each layer's input from its
        output instead of remembering it. Memory for activations is then that of one layer, however
        many there are, at the price of evaluating each conditioner once more.
      name: Name of the operations.

    Raises:
      ValueError: if there is no layer, a layer's latent shape is not the next one's event shape,
        or dtypes differ.
      TypeError: if a layer is no bijector, or `layers` no sequence.
    """

    _structure_of = ("layers", "recompute")

    def __init__(self, layers, *, recompute=False, name="composite"):
        parameters = dict(locals())
        self._layers = _joined(layers)
        self.recompute = recompute
        self._parts = linear.merged(self._layers)
        self._calls = sharing.SharedCalls(self._parts)
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
        for layer in reversed(self._parts):
            z, log_det = self._call(_FORWARD[bool(training)], layer, z, condition)
            total += log_det
        return z, total

    def _inverse_and_log_det(self, x, condition=None, training=False):
        if self.recompute:
            return reversible.inverse_and_log_det(self, x, condition, training)
        total = tf.zeros([], x.dtype)
        for layer in self._parts:
            x, log_det = self._call(_INVERSE[bool(training)], layer, x, condition)
            total += log_det
        return x, total

    def _call(self, method, layer, value, condition):
        tensors = (value,) if condition is None else (value, condition)
        return self._calls.call(method, layer, *tensors)

    def _inverse_and_residual(self, x, condition, training):
        residuals, total = [], tf.zeros([], x.dtype)
        for layer in self._parts:
            x, log_det, residual = self._call(_RESIDUAL[bool(training)], layer, x, condition)
            residuals.append(residual)
            total += log_det
        return x, total, tuple(residuals)

    def _backward(self, z, residual, dz, dlog_det, condition, training):
        dconditions, pairs = [], []
        for layer, own in zip(reversed(self._parts), reversed(residual), strict=True):
            method = _backward_method(tf.nest.map_structure(lambda _: 0, own), training)
            tensors = [reversible.after(z, dz), dz, dlog_det, *tf.nest.flatten(own)]
            tensors += [] if condition is None else [condition]
            z, dz, dcondition, gradients = self._calls.call(method, layer, *tensors)
            dconditions.append(dcondition)
            pairs.append((layer, gradients))
        return z, dz, *reversible.summed(self, dconditions, pairs)

    def _initialize(self, x, condition=None):
        for layer in self._layers:
            x = layer._initialize(x, condition=condition)
        return x


def _forward(layer, z, condition=None, *, training):
    return layer._forward_and_log_det(z, condition=condition, training=training)


def _inverse(layer, x, condition=None, *, training):
    return layer._inverse_and_log_det(x, condition=condition, training=training)


def _residual(layer, x, condition=None, *, training):
    return layer._inverse_and_residual(x, condition, training)


@functools.cache
def _backward_method(structure, training):
    """`_backward` as a function of tensors alone, for residuals of a structure."""
    count = len(tf.nest.flatten(structure))

    def backward(layer, z, dz, dlog_det, *others):
        residual = tf.nest.pack_sequence_as(structure, others[:count])
        condition = others[count] if others[count:] else None
        return layer._backward(z, residual, dz, dlog_det, condition, training)

    return backward


# One object a way of calling, as `SharedCalls` tells them apart by identity.
_FORWARD = {t: functools.partial(_forward, training=t) for t in (False, True)}
_INVERSE = {t: functools.partial(_inverse, training=t) for t in (False, True)}
_RESIDUAL = {t: functools.partial(_residual, training=t) for t in (False, True)}


def _joined(layers):
    """The layers, each checked against the one before, with TFP's own wrapped."""
    joined = []
    for layer in checks.sequence(layers, "layers"):
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
