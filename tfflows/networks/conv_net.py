"""Glow's convolutional network, its coupling's conditioner (arXiv 1807.03039)."""

import keras
import tensorflow as tf

from tfflows.networks.act_norm import ActNorm
from tfflows.networks.arguments import check_image_shape, check_positive_integers
from tfflows.networks.condition import Conditional
from tfflows.networks.edge_bias import EdgeBiasConv2D, ZeroConv2D


@keras.saving.register_keras_serializable("tfflows")
class ConvNet(Conditional, keras.layers.Layer):
    """Convolutions with activation normalization, then one that starts at zero.

        h_0 = concat[inputs, condition];  h_{i+1} = relu(ActNorm(EdgeBiasConv2D(h_i)))
        outputs = ZeroConv2D(h_depth)

    The first convolution and the last are 3x3, the others 1x1; only the last has a bias.
    `initialize` starts each ActNorm from the moments of what reaches it.

    Variables, in order: for each i `conv_i/kernel`, `conv_i/edge_kernel` (3x3 only); for each i
    `norm_i/shift`, `norm_i/log_scale`, `norm_i/initialized`; `out/kernel`, `out/edge_kernel`,
    `out/bias`, `out/log_scale`.

    Args:
      channels_out: Positive int, number of output channels.
      width: Positive int, number of hidden channels.
      depth: Positive int, number of hidden convolutions; Glow's is 2.

    Raises:
      ValueError: an argument out of range, inputs that are not images of known size, or a condition
        that does not fit.

    References: Kingma and Dhariwal, "Glow: Generative flow with invertible 1x1 convolutions",
      arXiv 1807.03039; details from their code.
    """

    def __init__(self, channels_out, width=512, depth=2, **kwargs):
        super().__init__(**kwargs)
        check_positive_integers(channels_out=channels_out, width=width, depth=depth)
        self.channels_out = channels_out
        self.width = width
        self.depth = depth
        dtype = self.dtype_policy
        self.convs = [
            EdgeBiasConv2D(width, 1 if i else 3, name=f"conv_{i}", dtype=dtype)
            for i in range(depth)
        ]
        self.norms = [ActNorm(name=f"norm_{i}", dtype=dtype) for i in range(depth)]
        self.out = ZeroConv2D(channels_out, name="out", dtype=dtype)

    def build(self, inputs_shape, condition_shape=None):
        check_image_shape(inputs_shape)
        shape = self._joined_shape(inputs_shape, condition_shape)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            conv.build(shape)
            shape = (*shape[:-1], self.width)
            norm.build(shape)
        self.out.build(shape)

    def call(self, inputs, condition=None, training=None):
        outputs = self._join(inputs, condition)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            # ActNorm inside the convolution: the same values in fewer passes over the activations.
            outputs = tf.nn.relu(conv(outputs, affine=norm.affine()))
        return self.out(outputs)

    def initialize(self, inputs, condition=None):
        """Starts every ActNorm from the moments of what reaches it; returns the outputs."""
        outputs = self._join(self._prepare(inputs, condition), condition)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            outputs = tf.nn.relu(norm.initialize(conv(outputs)))
        return self.out(outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "channels_out": self.channels_out,
            "width": self.width,
            "depth": self.depth,
        }
