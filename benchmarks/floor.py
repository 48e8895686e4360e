"""The floor: what the flow's networks take without the flow around them."""

import keras
import tensorflow as tf

from tfflows.models import fused


class Floor(keras.Model):
    """The conditioners of a flow, each on normal random input of the shape that it has there.

    One training step is, in `fit`'s own train function:

    - forward: every network on its own input, called with `training=True`; the outputs cast to
      float32, as couplings do; the loss, the mean over the networks of the means of
      `(outputs + 1)**2`. The networks of a fresh flow return zeros: without the 1 all gradients
      would be zeros.
    - backward: gradients of the loss by the networks' variables and, with `input_gradients`, by
      their inputs, which a flow needs to go on to the layer before. Each input gradient is summed
      and the sums returned with the logs: what nothing reads is not computed.
    - Adam on the networks' variables, by the same kernels as in a flow; Keras' loss tracker.

    The inputs come from the data set, so that no part of it is a constant that could be computed
    when the graph is made. Not in it: everything between the networks (actnorm, 1x1 convolutions,
    couplings' arithmetic, log-dets), dequantization, the likelihood, its metric.

    The networks do not depend on each other, so TensorFlow may run several at once, which in a flow
    it cannot. `in_turn` makes each wait for the one before, forward and backward.

    Args:
      networks: List of Keras layers.
      input_gradients: Whether the step has the gradients by the inputs.
      in_turn: Whether the networks run one after the other.
    """

    def __init__(self, networks, *, input_gradients=True, in_turn=False):
        super().__init__(name="floor")
        self.networks = networks
        self.input_gradients = input_gradients
        self.in_turn = in_turn
        self.built = True

    def call(self, inputs, training=False):
        outputs = []
        for network, x in zip(self.networks, inputs, strict=True):
            if outputs and self.in_turn:
                # One operation, and so is its gradient: neither tensor is there before the other.
                x, outputs[-1] = tf.identity_n([x, outputs[-1]])
            outputs.append(tf.cast(network(x, training=training), tf.float32))
        return outputs

    def train_step(self, inputs):
        inputs = list(inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = self(inputs, training=True)
            loss = tf.add_n([tf.reduce_mean(tf.square(y + 1.0)) for y in outputs]) / len(outputs)
        weights = self.trainable_variables
        sources = [v.value for v in weights] + (inputs if self.input_gradients else [])
        gradients = tape.gradient(loss, sources)
        with fused.updates(self.optimizer):
            self.optimizer.apply_gradients(zip(gradients[: len(weights)], weights, strict=True))
        self._loss_tracker.update_state(loss)
        logs = self.get_metrics_result()
        if self.input_gradients:
            sums = [tf.reduce_sum(gradient) for gradient in gradients[len(weights) :]]
            logs["input_gradients"] = tf.add_n(sums)
        return logs


def inputs(networks):
    """Returns normal random inputs for `(network, shape)` pairs, a tuple."""
    return tuple(
        tf.random.stateless_normal(shape, (0, index)) for index, (_, shape) in enumerate(networks)
    )


def forward(networks):
    """Returns a function that evaluates each network once, as `log_prob` does; value: an output.

    The networks do not depend on each other, as in `Floor`.
    """

    @tf.function
    def evaluate(values):
        return [n(x, training=False) for (n, _), x in zip(networks, values, strict=True)]

    values = inputs(networks)
    return lambda: float(tf.reshape(evaluate(values)[-1], [-1])[0])
