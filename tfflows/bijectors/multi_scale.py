"""The multi-scale architecture: half the channels leave the flow after each level."""

import math

import tensorflow as tf

from tfflows.bijectors import checks, reversible
from tfflows.bijectors.bijector import Bijector
from tfflows.bijectors.composite import Composite


class MultiScale(Bijector):
    """Levels of bijectors, with half the channels factored out between them.

    ```
    inverse:  h = x; for each level: h = level^-1(h), then, but for the last: h, out = halves(h)
              z = concat(flat(out_1), ..., flat(out_{L-1}), flat(h))    log_det = sum over levels
    forward:  the same steps backwards                                  log_det = sum over levels
    ```

    The factored half is the second half of the channels. On its own it is left standard normal
    (RealNVP). For Glow's learned split prior let each level end with a `SplitCoupling` with the
    transform "gaussian", which standardizes the half that leaves by the half that stays.

    Shapes:
      event: that of the first level; latent: a vector of its size, `(height * width * channels,)`.
      Each level's latent is an image with an even number of channels; the next level's event has
      its height and width and half its channels.

    Args:
      levels: Sequence of bijectors of images.
      name: Name of the operations.

    Raises:
      ValueError: if there is no level, the shapes of neighbouring levels do not fit, or dtypes
        differ.
      TypeError: if a level is no bijector, or `levels` no sequence.

    References: RealNVP (arXiv:1605.08803), section 3.6; Glow (arXiv:1807.03039), figure 2b.
    """

    def __init__(self, levels, *, name="multi_scale"):
        parameters = dict(locals())
        self._levels = [
            level if isinstance(level, Bijector) else Composite([level])
            for level in checks.sequence(levels, "levels")
        ]
        if not self._levels:
            raise ValueError(f"Expected at least one level. Received: levels={levels!r}")
        self._check_shapes()
        event_shape = self._levels[0].event_shape
        super().__init__(
            event_shape,
            (math.prod(event_shape),),
            dtype=checks.one_dtype(self._levels, "levels"),
            is_constant_jacobian=all(level.is_constant_jacobian for level in self._levels),
            parameters=parameters,
            name=name,
        )

    @property
    def levels(self):
        """The levels from data to latent, a tuple."""
        return tuple(self._levels)

    @property
    def latent_shapes(self):
        """Shape of the latent of each level before it is flattened, a list."""
        shapes = [_half(level.latent_shape) for level in self._levels[:-1]]
        return [*shapes, self._levels[-1].latent_shape]

    def _check_shapes(self):
        for level, after in zip(self._levels[:-1], self._levels[1:], strict=True):
            shape = level.latent_shape
            if len(shape) != 3 or shape[-1] % 2:
                raise ValueError(
                    "Expected levels whose latent is an image with an even number of channels. "
                    f"Received: {level.name}.latent_shape={shape}"
                )
            if after.event_shape != _half(shape):
                raise ValueError(
                    f"Expected a level for events of shape {_half(shape)} after {level.name}. "
                    f"Received: {after.name}.event_shape={after.event_shape}"
                )

    def _forward_and_log_det(self, z, condition=None, training=False):
        *factored, h = self._unpack(z)
        total = tf.zeros([], z.dtype)
        for level in reversed(self._levels):
            h, log_det = level._forward_and_log_det(h, condition=condition, training=training)
            total += log_det
            if factored:
                h = tf.concat([h, factored.pop()], axis=-1)
        return h, total

    def _inverse_and_log_det(self, x, condition=None, training=False):
        parts, total = [], tf.zeros([], x.dtype)
        for level in self._levels:
            x, log_det = level._inverse_and_log_det(x, condition=condition, training=training)
            total += log_det
            x = self._factor_out(level, x, parts)
        return self._pack(parts), total

    def _initialize(self, x, condition=None):
        parts = []
        for level in self._levels:
            x = self._factor_out(level, level._initialize(x, condition=condition), parts)
        return self._pack(parts)

    def _inverse_and_residual(self, x, condition, training):
        parts, residuals, total = [], [], tf.zeros([], x.dtype)
        for level in self._levels:
            x, log_det, residual = level._inverse_and_residual(x, condition, training)
            residuals.append(residual)
            total += log_det
            x = self._factor_out(level, x, parts)
        return self._pack(parts), total, tuple(residuals)

    def _backward(self, z, residual, dz, dlog_det, condition, training):
        *factored, h = self._unpack(z)
        *dfactored, dh = self._unpack(dz)
        dconditions, pairs = [], []
        for level, own in zip(reversed(self._levels), reversed(residual), strict=True):
            h, dh, dcondition, gradients = level._backward(
                h, own, dh, dlog_det, condition, training
            )
            dconditions.append(dcondition)
            pairs.append((level, gradients))
            if factored:
                h = tf.concat([h, factored.pop()], axis=-1)
                dh = tf.concat([dh, dfactored.pop()], axis=-1)
        return h, dh, *reversible.summed(self, dconditions, pairs)

    def _factor_out(self, level, h, parts):
        """Appends what leaves the flow after a level, and returns what stays."""
        if level is self._levels[-1]:
            parts.append(h)
            return None
        h, factored = tf.split(h, 2, axis=-1)
        parts.append(factored)
        return h

    def _pack(self, parts):
        outer = tf.shape(parts[0])[: parts[0].shape.rank - len(self.latent_shapes[0])]
        flat = [
            tf.reshape(part, tf.concat([outer, [math.prod(shape)]], axis=0))
            for part, shape in zip(parts, self.latent_shapes, strict=True)
        ]
        return tf.concat(flat, axis=-1)

    def _unpack(self, z):
        outer = tf.shape(z)[:-1]
        flat = tf.split(z, [math.prod(shape) for shape in self.latent_shapes], axis=-1)
        return [
            tf.reshape(part, tf.concat([outer, shape], axis=0))
            for part, shape in zip(flat, self.latent_shapes, strict=True)
        ]


def _half(shape):
    return (*shape[:-1], shape[-1] // 2)
