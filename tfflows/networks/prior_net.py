"""The conditioner of Glow's top prior given a class (arXiv 1807.03039)."""

import keras
import tensorflow as tf

from tfflows.networks.arguments import check_image_shape, check_positive_integers
from tfflows.networks.condition import Conditional
from tfflows.networks.edge_bias import ZeroConv2D
from tfflows.networks.zero_dense import ZeroDense


@keras.saving.register_keras_serializable("tfflows")
class PriorNet(Conditional, keras.layers.Layer):
    """A convolution of the inputs and a linear map of the condition, added; both start at zero.

        outputs = ZeroConv2D(inputs) + ZeroDense(condition)

    The condition is added to every position alike, or, with the inputs' axes, to its own. On inputs
    of zeros and a one-hot condition it gives Glow's top prior of a class: what the positions have
    in common among classes, by the edge channel, plus what the class has in common among positions.

    Variables, in order: those of `conv` (with `use_conv`), then those of `dense` (if built with a
    condition).

    Args:
      filters: Positive int, output channels.
      use_conv: Bool, whether there is the convolution; without it only the condition matters.

    Raises:
      ValueError: an argument out of range, inputs that are not images of known size, a condition
        that does not fit, or no condition without `use_conv`.

    References: Kingma and Dhariwal, "Glow", arXiv 1807.03039; their code's `prior` with `--ycond`.
    """

    def __init__(self, filters, *, use_conv=True, **kwargs):
        super().__init__(**kwargs)
        check_positive_integers(filters=filters)
        self.filters = filters
        self.use_conv = use_conv
        dtype = self.dtype_policy
        self.conv = ZeroConv2D(filters, name="conv", dtype=dtype) if use_conv else None
        self.dense = None

    def build(self, inputs_shape, condition_shape=None):
        check_image_shape(inputs_shape)
        self._joined_shape(inputs_shape, condition_shape)
        if condition_shape is None and not self.use_conv:
            raise ValueError(
                "Expected a condition with use_conv=False. Received: condition_shape=None"
            )
        if self.use_conv:
            self.conv.build(inputs_shape)
        if condition_shape is not None:
            self.dense = ZeroDense(self.filters, name="dense", dtype=self.dtype_policy)
            self.dense.build((*inputs_shape[:-1], condition_shape[-1]))

    def call(self, inputs, condition=None, training=None):
        condition = self._checked(inputs, condition)
        shape = tf.concat([tf.shape(inputs)[:-1], [self.filters]], axis=0)
        outputs = self.conv(inputs) if self.use_conv else tf.zeros(shape, inputs.dtype)
        if condition is None:
            return outputs
        shifts = self.dense(condition)
        return outputs + (shifts if shifts.shape.rank == 4 else shifts[:, None, None, :])

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "use_conv": self.use_conv}
