"""Small conditioners with random weights, one of each kind that a coupling accepts.

All mix the whole event, so that a Jacobian has no structure but the coupling's own.
"""

import math

import keras
import numpy as np
import tensorflow as tf

HIDDEN = 5


def normal(seed, *shape, scale=0.5):
    """Random array, the same for the same seed."""
    return scale * np.random.default_rng(seed).standard_normal(shape)


class KerasNet(keras.Model):
    """A Keras 3 model from events of any shape to `output_shape`, with a condition if told so."""

    def __init__(self, output_shape, *, condition=False, dtype="float32"):
        super().__init__(dtype=dtype)
        initializer = [keras.initializers.RandomNormal(0, 0.5, seed=i) for i in range(3)]
        self.flatten = keras.layers.Flatten(dtype=dtype)
        self.hidden = keras.layers.Dense(HIDDEN, kernel_initializer=initializer[0], dtype=dtype)
        self.last = keras.layers.Dense(
            math.prod(output_shape),
            kernel_initializer=initializer[1],
            bias_initializer=initializer[2],
            dtype=dtype,
        )
        self.shape = keras.layers.Reshape(output_shape, dtype=dtype)
        self.condition = condition

    def call(self, inputs, condition=None, training=None):
        inputs = self.flatten(inputs)
        if self.condition:
            if condition is None:  # the shape is not known otherwise when the coupling builds it
                condition = tf.zeros([tf.shape(inputs)[0], 3], inputs.dtype)
            inputs = tf.concat([inputs, condition], axis=-1)
        return self.shape(self.last(tf.tanh(self.hidden(inputs))))


class ModuleNet(tf.Module):
    """A tf.Module of the same form."""

    def __init__(self, inputs_shape, output_shape, *, condition=False, dtype=tf.float32):
        super().__init__()
        size = math.prod(inputs_shape) + 3 * condition
        units = math.prod(output_shape)
        self.output_shape = output_shape
        self.hidden = tf.Variable(normal(0, size, HIDDEN), dtype=dtype)
        self.last = tf.Variable(normal(1, HIDDEN, units), dtype=dtype)
        self.bias = tf.Variable(normal(2, units), dtype=dtype)

    def __call__(self, inputs, condition=None):
        inputs = tf.reshape(inputs, [tf.shape(inputs)[0], -1])
        if condition is not None:
            inputs = tf.concat([inputs, condition], axis=-1)
        h = tf.tanh(inputs @ self.hidden) @ self.last + self.bias
        return tf.reshape(h, [-1, *self.output_shape])


def function_net(inputs_shape, output_shape, *, condition=False, dtype=tf.float32):
    """A plain function of the same form, with constants for weights."""
    net = ModuleNet(inputs_shape, output_shape, condition=condition, dtype=dtype)
    hidden, last, bias = (v.numpy() for v in (net.hidden, net.last, net.bias))

    def function(inputs, condition=None):
        inputs = tf.reshape(inputs, [tf.shape(inputs)[0], -1])
        if condition is not None:
            inputs = tf.concat([inputs, condition], axis=-1)
        return tf.reshape(tf.tanh(inputs @ hidden) @ last + bias, [-1, *output_shape])

    return function


def make(kind, partition, num_params, *, condition=False, dtype=tf.float32):
    """A conditioner of a kind, "keras", "module" or "function", that fits a partition."""
    *outer, channels = partition.changed_shape
    output_shape = (*outer, num_params * channels)
    if kind == "keras":
        return KerasNet(output_shape, condition=condition, dtype=tf.as_dtype(dtype).name)
    net = {"module": ModuleNet, "function": function_net}[kind]
    return net(partition.kept_shape, output_shape, condition=condition, dtype=dtype)
