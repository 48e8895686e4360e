"""Changes of shape: blocks of 2x2 pixels become channels; an event becomes another of its size."""

import math

import numpy as np
import tensorflow as tf

from tfflows.bijectors import checks
from tfflows.bijectors.bijector import Bijector


class Squeeze(Bijector):
    """Turns every block of 2x2 pixels into one with four times the channels.

    ```
    forward:  x[2i+r, 2j+s, c] = z[i, j, k(r, s, c)]    log_det = 0
    inverse:  z[i, j, k(r, s, c)] = x[2i+r, 2j+s, c]    log_det = 0
    interleaved:  k = 4c + 2r + s
    diagonal:     k = p C + c with p = 0, 1, 2, 3 at (r, s) = (0,0), (1,1), (0,1), (1,0), so that
                  the first half of the channels holds the main diagonal of each block
    ```

    Shapes:
      event: `(height, width, channels)`; latent: `(height/2, width/2, 4 channels)`.

    Args:
      event_shape: Shape of the event.
      order: "interleaved" (RealNVP's `squeeze_2x2`, Glow's `squeeze2d`) or "diagonal" (RealNVP's
        `squeeze_2x2_ordered`, before half the channels are factored out).
      name: Name of the operations.

    Raises:
      ValueError: if height or width is odd, or the order is unknown.

    References: RealNVP (arXiv:1605.08803), section 3.6 and figure 3; authors' code for the orders.
    """

    def __init__(self, event_shape, *, order="interleaved", name="squeeze"):
        parameters = dict(locals())
        height, width, channels = checks.image_shape(event_shape)
        if height % 2 or width % 2:
            raise ValueError(
                f"Expected an even height and width. Received: event_shape={tuple(event_shape)}"
            )
        self.order = checks.choice(order, "order", {"interleaved", "diagonal"})
        super().__init__(
            (height, width, channels),
            (height // 2, width // 2, 4 * channels),
            is_constant_jacobian=True,
            parameters=parameters,
            name=name,
        )

    def _forward_and_log_det(self, z, condition=None, training=False):
        height, width, channels = self.event_shape
        if self.order == "interleaved":
            blocks, axes = (height // 2, width // 2, channels, 2, 2), (0, 3, 1, 4, 2)
        else:
            z = _swap_blocks(z, (0, 2, 3, 1))
            blocks, axes = (height // 2, width // 2, 2, 2, channels), (0, 2, 1, 3, 4)
        return _rearrange(z, blocks, axes, self.event_shape), tf.zeros([], z.dtype)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        height, width, channels = self.event_shape
        blocks = (height // 2, 2, width // 2, 2, channels)
        if self.order == "interleaved":
            z = _rearrange(x, blocks, (0, 2, 4, 1, 3), self.latent_shape)
        else:
            z = _swap_blocks(
                _rearrange(x, blocks, (0, 2, 1, 3, 4), self.latent_shape), (0, 3, 1, 2)
            )
        return z, tf.zeros([], x.dtype)


def _rearrange(value, blocks, axes, shape):
    """Reshapes the event into blocks, transposes these, and reshapes to `shape`."""
    batch = value.shape.rank - len(shape)
    outer = tf.shape(value)[:batch]
    value = tf.reshape(value, tf.concat([outer, blocks], axis=0))
    value = tf.transpose(value, [*range(batch), *(np.array(axes) + batch)])
    return tf.reshape(value, tf.concat([outer, shape], axis=0))


def _swap_blocks(value, order):
    """Reorders the four quarters of the channels."""
    quarters = tf.split(value, 4, axis=-1)
    return tf.concat([quarters[i] for i in order], axis=-1)


class Reshape(Bijector):
    """Gives the event another shape of the same size, elements in C order.

    ```
    forward:  x = reshape(z, event_shape)     log_det = 0
    inverse:  z = reshape(x, latent_shape)    log_det = 0
    ```

    Shapes:
      event: `event_shape`; latent: `latent_shape`.

    Args:
      event_shape: Shape of the event.
      latent_shape: Shape of the latent; a vector if None.
      name: Name of the operations.

    Raises:
      ValueError: if the sizes differ.
    """

    def __init__(self, event_shape, latent_shape=None, *, name="reshape"):
        parameters = dict(locals())
        event_shape = checks.shape(event_shape, "event_shape")
        size = math.prod(event_shape)
        latent_shape = (
            (size,) if latent_shape is None else checks.shape(latent_shape, "latent_shape")
        )
        if math.prod(latent_shape) != size:
            raise ValueError(
                f"Expected a latent_shape of {size} elements. Received: latent_shape={latent_shape}"
            )
        super().__init__(
            event_shape, latent_shape, is_constant_jacobian=True, parameters=parameters, name=name
        )

    def _forward_and_log_det(self, z, condition=None, training=False):
        return _reshape(z, self.latent_shape, self.event_shape), tf.zeros([], z.dtype)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        return _reshape(x, self.event_shape, self.latent_shape), tf.zeros([], x.dtype)


def _reshape(value, before, after):
    outer = tf.shape(value)[: value.shape.rank - len(before)]
    return tf.reshape(value, tf.concat([outer, after], axis=0))
