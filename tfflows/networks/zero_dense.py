"""Glow's linear layer that starts at zero (arXiv 1807.03039)."""

import keras
import tensorflow as tf

from tfflows.networks.arguments import (
    check_last_axis,
    check_numbers,
    check_positive_integers,
)


@keras.saving.register_keras_serializable("tfflows")
class ZeroDense(keras.layers.Layer):
    """A linear map of the last axis that starts at zero and has a learned scale.

        outputs = (inputs kernel + bias) * exp(log_scale_factor * log_scale)

    All variables start at zero, so the outputs do. Glow's embedding of a class, for one-hot inputs,
    and its classifier.

    Variables, in order: `kernel` [channels, units], `bias` [units], `log_scale` [units].

    Args:
      units: Positive int, number of outputs.
      log_scale_factor: Float; in effect it speeds the log-scale's learning.

    Raises:
      ValueError: an argument out of range, or the channels are not known at build.

    References: Kingma and Dhariwal, "Glow", arXiv 1807.03039; their code's `linear_zeros`.
    """

    def __init__(self, units, log_scale_factor=3.0, **kwargs):
        super().__init__(**kwargs)
        check_positive_integers(units=units)
        check_numbers(log_scale_factor=log_scale_factor)
        self.units = units
        self.log_scale_factor = log_scale_factor

    def build(self, inputs_shape):
        check_last_axis(inputs_shape)
        shape = (inputs_shape[-1], self.units)
        self.kernel = self.add_weight(shape, "zeros", name="kernel", autocast=False)
        self.bias = self.add_weight((self.units,), "zeros", name="bias", autocast=False)
        self.log_scale = self.add_weight((self.units,), "zeros", name="log_scale", autocast=False)

    def call(self, inputs):
        scale = tf.exp(self.log_scale_factor * tf.convert_to_tensor(self.log_scale))
        kernel, bias = (
            tf.cast(tf.convert_to_tensor(v) * scale, inputs.dtype) for v in (self.kernel, self.bias)
        )
        return tf.tensordot(inputs, kernel, 1) + bias

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "log_scale_factor": self.log_scale_factor,
        }
