"""Affine maps of the channels: neighbours among them are applied as one."""

import itertools

import tensorflow as tf

from tfflows.bijectors import portable
from tfflows.bijectors.bijector import Bijector


class Linear(Bijector):
    """A bijector that is one affine map of the channels, the same at every position.

    ```
    forward:  x = M^-1 (z - c)    log_det = -P log|det M|
    inverse:  z = M x + c         log_det =  P log|det M|
              P: positions an event (height * width); 1 for vectors
    ```

    A subclass gives `_inverse_map() -> (M, c)`, `_forward_map() -> (M^-1, -M^-1 c)`, float64
    matrices `[channels, channels]` and vectors `[channels]`, and the scalar `_map_log_det()`.
    """

    def _forward_and_log_det(self, z, condition=None, training=False):
        log_det = portable.fixed(self._map_log_det, z.dtype)
        return _apply(portable.fixed(self._forward_map, z.dtype), z), -log_det

    def _inverse_and_log_det(self, x, condition=None, training=False):
        log_det = portable.fixed(self._map_log_det, x.dtype)
        return _apply(portable.fixed(self._inverse_map, x.dtype), x), log_det


class LinearRun(Linear):
    """Several of them, one after the other from data to latent, as one: a product of matrices.

    Args:
      layers: Sequence of `Linear` bijectors of one event shape.
    """

    _structure_of = ("layers",)

    def __init__(self, layers):
        parameters = dict(locals())
        self.layers = list(layers)
        first = self.layers[0]
        super().__init__(
            first.event_shape,
            dtype=first.dtype,
            is_constant_jacobian=True,
            parameters=parameters,
            name="_".join(layer.name for layer in self.layers),
        )

    def _inverse_map(self):
        return _product([layer._inverse_map() for layer in self.layers])

    def _forward_map(self):
        return _product([layer._forward_map() for layer in reversed(self.layers)])

    def _map_log_det(self):
        return tf.add_n([layer._map_log_det() for layer in self.layers])


def merged(layers):
    """Returns layers with every two or more `Linear` neighbours replaced by their `LinearRun`."""
    parts = []
    for is_linear, run in itertools.groupby(layers, lambda layer: isinstance(layer, Linear)):
        run = list(run)
        parts += [LinearRun(run)] if is_linear and len(run) > 1 else run
    return parts


def _product(maps):
    matrix, offset = maps[0]
    for outer, outer_offset in maps[1:]:
        matrix, offset = outer @ matrix, tf.linalg.matvec(outer, offset) + outer_offset
    return matrix, offset


def _apply(maps, value):
    matrix, offset = maps
    flat = tf.reshape(value, [-1, value.shape[-1]])
    flat = tf.nn.bias_add(tf.matmul(flat, matrix, transpose_b=True), offset)
    known = value.shape.as_list()
    # Beside a 0 an open dimension could be any.
    closed = None not in known[1:] and 0 not in known[1:]
    shape = [-1, *known[1:]] if closed else tf.shape(value)
    return tf.reshape(flat, shape)
