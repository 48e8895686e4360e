"""Glow's convolutions: with the edge-bias channel, and starting at zero (arXiv 1807.03039)."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfflows.networks.arguments import (
    check_image_shape,
    check_known,
    check_numbers,
    check_positive_integers,
)
from tfflows.networks.condition import Conditional


@functools.cache
def edge_windows(height, width, size):
    """Array [height, width, size**2]: each pixel's window of the edge channel."""
    pad = size // 2
    edge = np.pad(np.zeros((height, width)), pad, constant_values=1.0)
    return np.lib.stride_tricks.sliding_window_view(edge, (size, size)).reshape(height, width, -1)


def _like(value, other):
    return tf.cast(value, other.dtype)


@keras.saving.register_keras_serializable("tfflows")
class EdgeBiasConv2D(keras.layers.Layer):
    """A convolution that keeps the image's size and knows where the image ends.

        outputs = conv_valid(concat[pad(inputs), edge], concat[kernel, edge_kernel]) + bias

    `pad` adds zeros, and `edge` is a channel that is 1 on the padding and 0 inside. It is computed
    as conv_same(inputs, kernel) + map, where the map [1, height, width, filters] does not depend on
    the inputs: one small matrix product with `edge_kernel`. On a CPU the convolution and its
    gradient take 4 to 48 % less time than with the concatenation.

    Variables, in order: `kernel` [size, size, channels, filters]; `edge_kernel`
    [size, size, 1, filters] (not for size 1, which needs no padding); `bias` [filters] (with
    `use_bias`). The two kernels, concatenated on axis 2, are the authors' one kernel.

    Args:
      filters: Positive int, output channels.
      kernel_size: Positive odd int, the kernel's height and width.
      use_bias: Bool, whether to add a bias, which starts at zero.
      kernel_initializer: Keras initializer of both kernels; None is the authors' N(0, 0.05).

    Raises:
      ValueError: an argument out of range, or inputs that are not images of known size.

    References: Kingma and Dhariwal, "Glow", arXiv 1807.03039; the edge channel is in their code
      only.
    """

    def __init__(
        self, filters, kernel_size=3, *, use_bias=False, kernel_initializer=None, **kwargs
    ):
        super().__init__(**kwargs)
        check_positive_integers(filters=filters, kernel_size=kernel_size)
        if kernel_size % 2 == 0:
            raise ValueError(f"Expected an odd kernel_size. Received: kernel_size={kernel_size!r}")
        check_known(keras.initializers.get, kernel_initializer=kernel_initializer)
        self.filters = filters
        self.kernel_size = kernel_size
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer

    def build(self, inputs_shape):
        check_image_shape(inputs_shape)
        _, height, width, channels = inputs_shape
        size, filters = self.kernel_size, self.filters
        self.kernel = self._add_kernel("kernel", (size, size, channels, filters))
        self.edge_kernel = self._edges = self.bias = None
        if size > 1:
            self.edge_kernel = self._add_kernel("edge_kernel", (size, size, 1, filters))
            self._edges = edge_windows(height, width, size)
        if self.use_bias:
            self.bias = self.add_weight((filters,), "zeros", name="bias", autocast=False)

    def _add_kernel(self, name, shape):
        # A copy each: an unseeded initializer object gives the same values at every call.
        initializer = keras.initializers.get(
            keras.saving.serialize_keras_object(self.kernel_initializer)
        ) or keras.initializers.RandomNormal(stddev=0.05)
        return self.add_weight(shape, initializer, name=name, autocast=False)

    def call(self, inputs, affine=None):
        """The convolution; `affine`, a pair (scale, offset), is applied to the outputs' channels.

        It scales the kernel instead of the activations, which are far larger. On a CPU a training
        step of Glow's hidden layers takes 13 to 20 % less time at widths 128 to 512, 0 at 64.
        """
        kernel = tf.convert_to_tensor(self.kernel)
        edge_kernel = None if self.edge_kernel is None else tf.convert_to_tensor(self.edge_kernel)
        bias = None if self.bias is None else tf.convert_to_tensor(self.bias)
        if affine is not None:
            scale, offset = (tf.cast(a, self.variable_dtype) for a in affine)
            kernel = kernel * scale
            edge_kernel = None if edge_kernel is None else edge_kernel * scale
            bias = offset if bias is None else bias * scale + offset
        outputs = tf.nn.conv2d(inputs, tf.cast(kernel, inputs.dtype), 1, "SAME")
        return self._add_constants(outputs, edge_kernel, bias)

    def _add_constants(self, outputs, edge_kernel, bias):
        """Adds what does not depend on the inputs: the edge channel's part and the bias.

        By `bias_add`, whose gradient sums over the batch at once; that of `+` goes over the whole
        activations once more where the size of the batch is not known.
        """
        if edge_kernel is None:
            return outputs if bias is None else tf.nn.bias_add(outputs, _like(bias, outputs))
        height, width, taps = self._edges.shape
        windows = tf.constant(self._edges.reshape(-1, taps), self.variable_dtype)
        edge = tf.matmul(windows, tf.reshape(edge_kernel, [taps, self.filters]))
        edge = edge if bias is None else edge + bias
        flat = tf.reshape(outputs, [-1, height * width * self.filters])
        flat = tf.nn.bias_add(flat, _like(tf.reshape(edge, [-1]), flat))
        return tf.reshape(flat, [-1, height, width, self.filters])

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.saving.serialize_keras_object(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable("tfflows")
class ZeroConv2D(Conditional, EdgeBiasConv2D):
    """Glow's last layer: an edge-bias convolution that starts at zero and has a learned scale.

        outputs = (EdgeBiasConv2D(inputs) + bias) * exp(log_scale_factor * log_scale)

    All variables start at zero, so the outputs do. It is a conditioner by itself: Glow's
    split prior and, on inputs of zeros, the learned top prior, where only `edge_kernel`, `bias` and
    `log_scale` act.

    Variables, in order: those of `EdgeBiasConv2D` with `bias`, then `log_scale` [filters].

    Args:
      filters: Positive int, output channels.
      kernel_size: Positive odd int, the kernel's height and width.
      log_scale_factor: Float; in effect it speeds the log-scale's learning.

    Raises:
      ValueError: an argument out of range, inputs that are not images of known size, or a condition
        that does not fit.

    References: Kingma and Dhariwal, "Glow", arXiv 1807.03039; the scale's factor from their code.
    """

    def __init__(self, filters, kernel_size=3, log_scale_factor=3.0, **kwargs):
        super().__init__(filters, kernel_size, use_bias=True, kernel_initializer="zeros", **kwargs)
        check_numbers(log_scale_factor=log_scale_factor)
        self.log_scale_factor = log_scale_factor

    def build(self, inputs_shape, condition_shape=None):
        check_image_shape(inputs_shape)
        super().build(self._joined_shape(inputs_shape, condition_shape))
        self.log_scale = self.add_weight((self.filters,), "zeros", name="log_scale", autocast=False)

    def call(self, inputs, condition=None, training=None):
        scale = tf.exp(self.log_scale_factor * tf.convert_to_tensor(self.log_scale))
        return super().call(self._join(inputs, condition), affine=(scale, tf.zeros_like(scale)))

    def get_config(self):
        config = {**super().get_config(), "log_scale_factor": self.log_scale_factor}
        del config["use_bias"], config["kernel_initializer"]
        return config
