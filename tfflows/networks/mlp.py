"""The multilayer perceptron, NICE's conditioner (arXiv 1410.8516)."""

import keras

from tfflows.networks.arguments import (
    check_known,
    check_last_axis,
    check_positive_integers,
    check_positive_sequence,
    check_rate,
)
from tfflows.networks.condition import Conditional


@keras.saving.register_keras_serializable("tfflows")
class MLP(Conditional, keras.layers.Layer):
    """Dense layers with an activation, then a linear one; it acts on the inputs' last axis.

        h_0 = concat[inputs, condition];  h_{i+1} = drop(activation(h_i W_i + b_i))
        outputs = h_n W_n + b_n
        drop: in training, each element 0 with probability `dropout`, else divided by 1 - dropout

    Variables, in order: kernel and bias of each hidden layer, then of the last one.

    Args:
      units: Positive int, number of outputs.
      hidden: Sequence of positive ints, the hidden layers' sizes. NICE on MNIST: (1000,) * 5.
      activation: Keras activation of the hidden layers, a name or a function.
      kernel_initializer: Keras initializer of the weights, a name or an object, of which each layer
        takes a copy. NICE: `keras.initializers.RandomUniform(-0.01, 0.01)`.
      zero_init: Bool, whether the last layer's weights start at zero, and with them the outputs.
      dropout: Float from 0 to below 1. Replicas of a strategy drop the same units of their shares.

    Raises:
      ValueError: an argument out of range, or a condition that does not fit.

    References: Dinh et al., "NICE: Non-linear independent components estimation", arXiv 1410.8516.
    """

    def __init__(
        self,
        units,
        hidden=(1000,) * 5,
        activation="relu",
        kernel_initializer="glorot_uniform",
        *,
        zero_init=True,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive_integers(units=units)
        check_positive_sequence(hidden=hidden)
        check_rate(dropout=dropout)
        check_known(keras.activations.get, activation=activation)
        check_known(keras.initializers.get, kernel_initializer=kernel_initializer)
        self.units = units
        self.hidden = hidden
        self.activation = activation
        self.kernel_initializer = kernel_initializer
        self.zero_init = zero_init
        self.dropout = dropout
        # One a layer: each has a state of its own that its random numbers come from.
        self.drops = [self._drop(i) for i in range(len(hidden))] if dropout else []
        self.dense = [self._dense(size, f"hidden_{i}", activation) for i, size in enumerate(hidden)]
        self.dense.append(self._dense(units, "out", None, "zeros" if zero_init else None))

    def _dense(self, units, name, activation, initializer=None):
        # A copy each: an unseeded initializer object gives the same values at every call.
        own = keras.saving.serialize_keras_object(initializer or self.kernel_initializer)
        return keras.layers.Dense(
            int(units),  # Keras refuses NumPy's
            activation=keras.activations.get(activation),
            kernel_initializer=keras.initializers.get(own),
            name=name,
            dtype=self.dtype_policy,
        )

    def _drop(self, index):
        return keras.layers.Dropout(self.dropout, name=f"drop_{index}", dtype=self.dtype_policy)

    def build(self, inputs_shape, condition_shape=None):
        check_last_axis(inputs_shape)
        shape = self._joined_shape(inputs_shape, condition_shape)
        for dense in self.dense:
            dense.build(shape)
            shape = (*shape[:-1], dense.units)

    def call(self, inputs, condition=None, training=None):
        outputs = self._join(inputs, condition)
        for index, dense in enumerate(self.dense):
            outputs = dense(outputs)
            if index < len(self.drops):
                outputs = self.drops[index](outputs, training=training)
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "hidden": list(self.hidden),
            "activation": keras.saving.serialize_keras_object(self.activation),
            "kernel_initializer": keras.saving.serialize_keras_object(self.kernel_initializer),
            "zero_init": self.zero_init,
            "dropout": self.dropout,
        }
