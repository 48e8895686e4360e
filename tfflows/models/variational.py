"""Variational dequantization: the noise of an integer datum from a flow that sees the datum."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfflows import bijectors, networks
from tfflows.models import bridge
from tfflows.models.dequantization import noise

_BITS = 23  # of the uniform noise: all that float32 has below 1 and can be halved


@keras.saving.register_keras_serializable("tfflows")
class VariationalDequantizer(keras.layers.Layer):
    """Makes integers x continuous by noise u of a learned density q(u | x) on the unit cube.

    ```
    v: uniform on (0, 1), fixed by the whole datum, the element's place and a seed
    e = logit(v)
    c = context(2 (x + 1/2) / bins - 1)             features of the datum, by a network
    l = couplings(e; c)                             affine, each network given c as its condition
    u = sigmoid(l)
    log q(u | x) = sum(log s(e)) - log|det dl/de| - sum(log s(l)),    s(e) = sigmoid(e) sigmoid(-e)
    ```

    For any density p on the scale `[0, bins)`, `log p(x + u) - log q(u | x)` is in the mean at most
    the log-probability of x, the integral of p over its cell, and equals it where q is p within the
    cell. Given as the `dequantizer` of a `Flow`, it is trained with the flow, by the same loss. It
    depends on the datum alone, not on the flow's condition. A fresh one is the identity, u = v,
    which is the uniform noise of a flow without it.

    Images keep the pixels of a checkerboard in one coupling, the others in the next, and have
    residual networks; all other events, as vectors, halves and MLPs. The couplings' law is "tanh"
    (see `Coupling`). So that no `x + u` is rounded into another cell, u is kept one unit of the
    last place of the largest sum away from 0 and 1.

    Calling it, `y, log_q = dequantizer(x, seed=0)`, gives `x + u` and log q.

    Shapes:
      x: integers `[*batch, *event_shape]`; y: of the same shape, log_q: `batch`.

    Args:
      event_shape: Shape of a datum.
      bins: Number of integer values of an element.
      depth: Number of couplings.
      width: Channels of the context and of the networks, or units of the MLPs.
      blocks: Residual blocks, or hidden layers, of the context and of each coupling's network.
      dtype: Keras dtype policy of the networks; its variable dtype is that of y and log_q.

    Raises:
      ValueError: if a shape or number does not fit, or, when called, x has another shape.
      TypeError: if x is not of integers.

    References: Ho et al., "Flow++" (arXiv:1902.00275), section 3.1, whose couplings have other laws
      and networks.
    """

    def __init__(self, event_shape, bins, *, depth=4, width=32, blocks=1, **kwargs):
        super().__init__(**kwargs)
        self.event_shape = bijectors.checks.shape(event_shape, "event_shape")
        self.bins = bijectors.checks.integer(bins, "bins", minimum=2)
        self._margin = _margin(self.bins, self.variable_dtype)
        self.depth = bijectors.checks.integer(depth, "depth")
        self.width = bijectors.checks.integer(width, "width")
        self.blocks = bijectors.checks.integer(blocks, "blocks")
        is_image = len(self.event_shape) == 3 and math.prod(self.event_shape[:2]) > 1
        self._shape = self.event_shape if is_image else (math.prod(self.event_shape),)
        self._context_shape = (*self._shape[:-1], self.width)
        self.context = self._network(self.width, zero_init=False)
        self.context.build((None, *self._shape))
        self._bijector = self._make_bijector()
        self._networks = bridge.keras_layers(self._bijector)
        for variable in bridge.other_variables(self._bijector, self._networks):
            self._track_variable(variable)
        self.built = True

    def call(self, x, seed=0, training=False):
        """Returns `(x + u, log q(u | x))`, u being that of a seed, an integer or a scalar."""
        x = self._checked(tf.convert_to_tensor(x))
        dtype, event_ndims = self.variable_dtype, len(self.event_shape)
        batch = tf.shape(x)[: x.shape.rank - event_ndims]
        values = tf.reshape(tf.cast(x, dtype), [-1, *self._shape])
        v = tf.reshape(noise(x, event_ndims, seed, dtype, _BITS), [-1, *self._shape])
        u, log_q = self._transformed(v, values, training)
        y = values + tf.clip_by_value(u, self._margin, 1 - self._margin)
        return tf.reshape(y, tf.shape(x)), tf.reshape(log_q, batch)

    def _transformed(self, v, values, training=False):
        """Returns u and its log q from the uniform noise v, in batches of rank 1."""
        context = self.context((2 * values + 1) / self.bins - 1, training=training)
        u, log_det = self._bijector.forward_and_log_det(v, condition=context, training=training)
        return u, -log_det

    def get_config(self):
        """Returns the constructor's arguments."""
        names = ("event_shape", "bins", "depth", "width", "blocks")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _make_bijector(self):
        """The map between u, its data side, and v, its latent side."""
        logit = bijectors.Logit(self._shape, alpha=0)
        couplings = [self._coupling(index) for index in range(self.depth)]
        return bijectors.Composite([logit, *couplings, bijectors.Invert(logit)], name="noise")

    def _coupling(self, index):
        swap, options = index % 2 == 1, {}
        if len(self._shape) == 3:
            mask = bijectors.checkerboard_mask(self._shape, odd=swap)
            partition, options = bijectors.Mask(self._shape, mask), {"mask": mask.tolist()}
        elif self._shape == (1,):
            partition = bijectors.Mask(self._shape, 0.0)
        else:
            size = (self._shape[0] + 1) // 2
            partition = bijectors.Halves(self._shape, swap=swap, size=size)
        network = self._network(2 * partition.changed_shape[-1], **options)
        network.build((None, *partition.kept_shape), (None, *self._context_shape))
        transform = bijectors.AffineTanh(dtype=self.variable_dtype)
        return bijectors.Coupling(network, transform, partition, dtype=self.variable_dtype)

    def _network(self, channels, **options):
        options["dtype"] = self.dtype_policy
        if len(self._shape) == 1:
            return networks.MLP(channels, hidden=(self.width,) * self.blocks, **options)
        options["use_batch_norm"] = False  # which would make q depend on the rest of the batch
        return networks.ResNet(channels, width=self.width, blocks=self.blocks, **options)

    def _checked(self, x):
        if not x.dtype.is_integer:
            raise TypeError(f"Expected integers to dequantize. Received: x.dtype={x.dtype.name}")
        return bijectors.checks.event(x, self.event_shape, "x")


def _margin(bins, dtype):
    """The unit of the last place of floats just below `bins`, rounded up to a power of 2."""
    margin = 2.0 ** (math.ceil(math.log2(bins)) - 1) * float(np.finfo(dtype).eps)
    if margin > 0.25:
        raise ValueError(f"Expected bins with room between them in {dtype}. Received: bins={bins}")
    return margin
