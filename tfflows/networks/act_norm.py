"""Glow's activation normalization inside a network (arXiv 1807.03039)."""

import keras
import tensorflow as tf

from tfflows.networks.arguments import check_last_axis, check_numbers


@keras.saving.register_keras_serializable("tfflows")
class ActNorm(keras.layers.Layer):
    """A trainable shift and scale per channel that starts from the data's moments.

        outputs = (inputs + shift) * exp(log_scale_factor * log_scale)
        initialize: shift = -mean, log_scale = log(1 / (std + 1e-6)) / log_scale_factor

    The moments are taken over all axes but the last. Until `initialize` the layer is the identity;
    `call` never assigns.

    Variables, in order: `shift` [channels], `log_scale` [channels], and the non-trainable bool
    `initialized` [].

    Args:
      log_scale_factor: Float other than 0; in effect it speeds the log-scale's learning.

    Raises:
      ValueError: `log_scale_factor` is 0, or the channels are not known at build.

    References: Kingma and Dhariwal, "Glow", arXiv 1807.03039, section 3.1; the factor is in
      their code only.
    """

    def __init__(self, log_scale_factor=3.0, **kwargs):
        super().__init__(**kwargs)
        check_numbers(log_scale_factor=log_scale_factor)
        if not log_scale_factor:
            raise ValueError(
                "Expected log_scale_factor other than 0. "
                f"Received: log_scale_factor={log_scale_factor!r}"
            )
        self.log_scale_factor = log_scale_factor

    def build(self, inputs_shape):
        check_last_axis(inputs_shape)
        channels = inputs_shape[-1]
        # autocast=False: under a mixed policy the few values of a scale stay in float32.
        self.shift = self.add_weight((channels,), "zeros", name="shift", autocast=False)
        self.log_scale = self.add_weight((channels,), "zeros", name="log_scale", autocast=False)
        self.initialized = self.add_weight(
            (), "zeros", dtype="bool", trainable=False, name="initialized"
        )

    def affine(self):
        """The pair (scale, offset), each [channels], of outputs = inputs * scale + offset."""
        scale = tf.exp(self.log_scale_factor * tf.convert_to_tensor(self.log_scale))
        return scale, tf.convert_to_tensor(self.shift) * scale

    def call(self, inputs):
        scale = tf.exp(self.log_scale_factor * tf.convert_to_tensor(self.log_scale))
        return (inputs + tf.cast(self.shift, inputs.dtype)) * tf.cast(scale, inputs.dtype)

    def initialize(self, inputs):
        """Sets shift and log_scale from a batch; returns the outputs."""
        inputs = tf.cast(inputs, self.compute_dtype)
        if not self.built:
            self.build(inputs.shape)
        axes = list(range(inputs.shape.rank - 1))
        mean, variance = tf.nn.moments(tf.cast(inputs, self.variable_dtype), axes)
        self.shift.assign(-mean)
        self.log_scale.assign(-tf.math.log(tf.sqrt(variance) + 1e-6) / self.log_scale_factor)
        self.initialized.assign(True)
        return self(inputs)

    def get_config(self):
        return {**super().get_config(), "log_scale_factor": self.log_scale_factor}
