"""RealNVP's weight-normalized convolution (arXiv 1605.08803)."""

import math

import keras
import tensorflow as tf

from tfflows.networks.arguments import check_image_shape, check_positive_integers


@keras.saving.register_keras_serializable("tfflows")
class WeightNormConv2D(keras.layers.Layer):
    """A convolution whose kernel has one direction and, separately, one length per filter.

        outputs = conv_same(inputs, magnitude * v / ||v||) + bias

    The norm is over all axes but the filters'. Without `use_magnitude` the kernel has length 1.
    At the start v ~ U(-d, d) with d = sqrt(2 / channels), bias = 0 and magnitude =
    d * sqrt(channels * kernel_size^2 / 12), half of v's expected length, as in the authors' code.

    Variables, in order: `v` [size, size, channels, filters], `magnitude` [filters] (with
    `use_magnitude`; RealNVP's L2 penalty is on these), `bias` [filters] (with `use_bias`).

    Args:
      filters: Positive int, output channels.
      kernel_size: Positive int, the kernel's height and width.
      use_bias: Bool, whether to add a bias.
      use_magnitude: Bool, whether the kernel's length is trained.
      zero_init: Bool, whether the magnitude starts at zero, and with it the outputs.

    Raises:
      ValueError: an argument out of range, `zero_init` without `use_magnitude`, or inputs that
        are not images of known size.

    References: Dinh et al., "Density estimation using Real NVP", arXiv 1605.08803; Salimans and
      Kingma, "Weight normalization", arXiv 1602.07868.
    """

    def __init__(
        self,
        filters,
        kernel_size=3,
        *,
        use_bias=True,
        use_magnitude=False,
        zero_init=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive_integers(filters=filters, kernel_size=kernel_size)
        if zero_init and not use_magnitude:
            raise ValueError(
                "Expected use_magnitude=True with zero_init=True. "
                f"Received: use_magnitude={use_magnitude!r}"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.use_bias = use_bias
        self.use_magnitude = use_magnitude
        self.zero_init = zero_init

    def build(self, inputs_shape):
        check_image_shape(inputs_shape)
        channels, size, filters = inputs_shape[-1], self.kernel_size, self.filters
        limit = math.sqrt(2 / channels)
        length = 0.0 if self.zero_init else limit * math.sqrt(channels * size**2 / 12)
        self.v = self.add_weight(
            (size, size, channels, filters),
            keras.initializers.RandomUniform(-limit, limit),
            name="v",
            autocast=False,
        )
        self.magnitude = self.bias = None
        if self.use_magnitude:
            start = keras.initializers.Constant(length)
            self.magnitude = self.add_weight((filters,), start, name="magnitude", autocast=False)
        if self.use_bias:
            self.bias = self.add_weight((filters,), "zeros", name="bias", autocast=False)

    def call(self, inputs):
        v = tf.convert_to_tensor(self.v)
        scale = tf.math.rsqrt(tf.reduce_sum(tf.square(v), [0, 1, 2]))
        scale = scale if self.magnitude is None else scale * self.magnitude
        outputs = _convolved(inputs, tf.cast(v * scale, inputs.dtype))
        return outputs if self.bias is None else outputs + tf.cast(self.bias, inputs.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "use_bias": self.use_bias,
            "use_magnitude": self.use_magnitude,
            "zero_init": self.zero_init,
        }


def _convolved(inputs, kernel):
    """Returns the convolution, also of no examples, a replica's share of a last batch.

    TensorFlow's kernel for CPUs gives these as many channels as there were.
    """
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync == 1 or "CPU" not in strategy.extended.worker_devices[0]:
        return tf.nn.conv2d(inputs, kernel, 1, "SAME")
    count = tf.shape(inputs)[0]
    shape = tf.concat([[tf.maximum(0, 1 - count)], inputs.shape[1:]], axis=0)
    inputs = tf.concat([inputs, tf.zeros(shape, inputs.dtype)], axis=0)
    return tf.nn.conv2d(inputs, kernel, 1, "SAME")[:count]
