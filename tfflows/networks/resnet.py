"""RealNVP's residual network, the conditioner of its couplings on images (arXiv 1605.08803)."""

import keras
import numpy as np
import tensorflow as tf

from tfflows.networks.arguments import (
    check_image_shape,
    check_numbers,
    check_positive_integers,
)
from tfflows.networks.condition import Conditional
from tfflows.networks.weight_norm import WeightNormConv2D


@keras.saving.register_keras_serializable("tfflows")
class ResNet(Conditional, keras.layers.Layer):
    """Pre-activation residual blocks, and a sum of 1x1 convolutions of every block's state.

        x = concat[input_gain * BN(inputs), condition];  h_0 = WN3x3(relu(concat[x, -x, mask]))
        h_{i+1} = h_i + WN3x3(relu(BN(WN3x3(relu(BN(h_i))))))
        outputs = WN1x1(relu(BN(sum_i skip_i(h_i))))

    WN is `WeightNormConv2D`: with bias but for a block's first (which a BN follows), with magnitude
    for a block's second, the skips and the last. BN is batch normalization over all devices with a
    trained shift, no scale, epsilon 1e-4 and momentum 0.9. A masked coupling gives inputs * mask.
    `initialize` sets the moving moments of every BN from a batch, so that a fresh model is
    normalized in evaluation too.

    Variables, in order: `beta`, `moving_mean`, `moving_variance` of each BN (`norm_in`, `norm_i_0`
    and `norm_i_1` for each block i, `norm_out`); then `v`, `magnitude`, `bias`, as far as they have
    them, of the convolutions (`conv_in`, `conv_i_0` and `conv_i_1` for each block i, `skip_0` to
    `skip_blocks`, `conv_out`). RealNVP's L2 penalty is on the variables named `magnitude`.

    Args:
      channels_out: Positive int, number of output channels.
      width: Positive int, number of hidden channels.
      blocks: Positive int, number of residual blocks.
      mask: Array [height, width] or [height, width, 1] of 0 and 1, a constant input channel, or
        None. RealNVP's checkerboard couplings give their mask, its channel couplings none.
      input_gain: Float that multiplies the normalized inputs; RealNVP: 2 for checkerboard
        couplings, 1 for channel couplings and without batch normalization.
      use_batch_norm: Bool. Without BN a block's first convolution has a bias.
      zero_init: Bool, whether the last magnitude starts at zero, and with it the outputs; False is
        the authors' start.

    Raises:
      ValueError: an argument out of range, a mask of another size than the inputs, inputs that are
        not images of known size, or a condition that does not fit.

    References: Dinh et al., "Density estimation using Real NVP", arXiv 1605.08803; details from
      their code.
    """

    def __init__(
        self,
        channels_out,
        width=64,
        blocks=8,
        mask=None,
        input_gain=1.0,
        *,
        use_batch_norm=True,
        zero_init=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive_integers(channels_out=channels_out, width=width, blocks=blocks)
        check_numbers(input_gain=input_gain)
        self.channels_out = channels_out
        self.width = width
        self.blocks = blocks
        self.mask = mask
        self.input_gain = input_gain
        self.use_batch_norm = use_batch_norm
        self.zero_init = zero_init
        self._mask_channel = None if mask is None else _mask_channel(mask)
        self._add_layers()

    def _add_layers(self):
        def conv(name, size, filters=self.width, **options):
            return WeightNormConv2D(filters, size, name=name, dtype=self.dtype_policy, **options)

        self.norms = []
        if self.use_batch_norm:
            inner = [f"norm_{i}_{j}" for i in range(self.blocks) for j in range(2)]
            names = ["norm_in", *inner, "norm_out"]
            self.norms = [_batch_norm(name, self.dtype_policy) for name in names]
        self.conv_in = conv("conv_in", 3)
        self.convs = []
        for i in range(self.blocks):
            self.convs.append(conv(f"conv_{i}_0", 3, use_bias=not self.use_batch_norm))
            self.convs.append(conv(f"conv_{i}_1", 3, use_magnitude=True))
        self.skips = [conv(f"skip_{i}", 1, use_magnitude=True) for i in range(self.blocks + 1)]
        self.conv_out = conv(
            "conv_out", 1, self.channels_out, use_magnitude=True, zero_init=self.zero_init
        )

    def build(self, inputs_shape, condition_shape=None):
        check_image_shape(inputs_shape)
        batch, *size, channels = self._joined_shape(inputs_shape, condition_shape)
        if self._mask_channel is not None and list(self._mask_channel.shape[1:3]) != size:
            raise ValueError(
                "Expected a mask of the inputs' height and width, "
                f"{tuple(size)!r}. Received: mask.shape={np.shape(self.mask)!r}"
            )
        shape = (batch, *size, self.width)
        for i, norm in enumerate(self.norms):
            norm.build(shape if i else inputs_shape)
        self.conv_in.build((batch, *size, 2 * channels + (self._mask_channel is not None)))
        for conv in (*self.convs, *self.skips, self.conv_out):
            conv.build(shape)

    def call(self, inputs, condition=None, training=None):
        return self._apply(inputs, condition, lambda norm, h: norm(h, training=training))

    def initialize(self, inputs, condition=None):
        """Sets the moving moments from a batch; returns the outputs, those of evaluation mode."""
        return self._apply(self._prepare(inputs, condition), condition, _set_moments)

    def _apply(self, inputs, condition, normalize):
        """The network, with `normalize(norm, h)` at each of the batch normalizations."""
        norms = iter(self.norms)

        def norm(h):
            return normalize(next(norms), h) if self.use_batch_norm else h

        h = self.conv_in(self._features(norm(inputs), condition))
        total = self.skips[0](h)
        for i in range(self.blocks):
            inner = self.convs[2 * i](tf.nn.relu(norm(h)))
            h = h + self.convs[2 * i + 1](tf.nn.relu(norm(inner)))
            total = total + self.skips[i + 1](h)
        return self.conv_out(tf.nn.relu(norm(total)))

    def _features(self, x, condition):
        x = x if self.input_gain == 1 else x * self.input_gain
        x = self._join(x, condition)
        parts = [x, -x]
        if self._mask_channel is not None:
            mask = tf.constant(self._mask_channel, x.dtype)
            parts.append(tf.tile(mask, [tf.shape(x)[0], 1, 1, 1]))
        return tf.nn.relu(tf.concat(parts, -1))

    def get_config(self):
        return {
            **super().get_config(),
            "channels_out": self.channels_out,
            "width": self.width,
            "blocks": self.blocks,
            "mask": None if self.mask is None else np.asarray(self.mask).tolist(),
            "input_gain": self.input_gain,
            "use_batch_norm": self.use_batch_norm,
            "zero_init": self.zero_init,
        }


def _mask_channel(mask):
    """The mask as an array [1, height, width, 1]."""
    try:
        channel = np.asarray(mask).astype(np.float64, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected a mask of 0 and 1. Received: mask={mask!r}") from error
    if not np.isin(channel, (0.0, 1.0)).all():
        raise ValueError(f"Expected a mask of 0 and 1. Received: mask={mask!r}")
    if channel.ndim == 2:
        channel = channel[..., np.newaxis]
    if channel.ndim != 3 or channel.shape[-1] != 1:
        raise ValueError(
            "Expected a mask of shape [height, width] or [height, width, 1]. "
            f"Received: mask.shape={np.shape(mask)!r}"
        )
    return channel[np.newaxis].astype(np.float32)


def _batch_norm(name, dtype):
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-4, scale=False, synchronized=True, name=name, dtype=dtype
    )


def _set_moments(norm, h):
    mean, variance = tf.nn.moments(tf.cast(h, norm.variable_dtype), [0, 1, 2])
    norm.moving_mean.assign(mean)
    norm.moving_variance.assign(variance)
    return norm(h, training=False)
