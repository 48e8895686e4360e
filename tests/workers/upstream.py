"""A worker of plain Keras: `python -m tests.workers.upstream` prints what each try ends in."""

import json

import trainers  # noqa: F401  before TensorFlow, whose start-up remarks it holds back
from trainers import quiet

# isort: split
import keras
import numpy as np
import tensorflow as tf


class Plain(keras.Model):
    """A model as Keras' users write it."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def build(self, shape):
        """Makes the weights."""
        self.dense.build(shape)
        self.built = True

    def call(self, x):
        """Returns the layer's output."""
        return self.dense(x)


class NotBuiltAgain(Plain):
    """With the first of what mends it."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        with self.distribute_strategy.scope():
            if not self.optimizer.built:
                self.optimizer.build(self.trainable_variables)


class Reduced(Plain):
    """With the second."""

    def compute_metrics(self, *args, **kwargs):
        """Returns logs of shape [1]."""
        logs = super().compute_metrics(*args, **kwargs)
        return {name: tf.reshape(value, [1]) for name, value in logs.items()}


class Mended(NotBuiltAgain, Reduced):
    """With both."""


def outcome(kind, strategy, **options):
    """Returns "" if such a model can be trained, else the error."""
    x = np.random.RandomState(0).randn(32, 6).astype(np.float32)
    with strategy.scope():
        model = kind()
        model.build((None, 6))
        model.compile(keras.optimizers.SGD(1e-3), loss="mse", **options)
    data = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(8, drop_remainder=True).repeat()
    try:
        model.fit(data, steps_per_epoch=2, verbose=0)
    except Exception as error:  # whatever it is: the test reads it
        return f"{type(error).__name__}: {error}"
    return ""


def main():
    """Tries one after the other."""
    quiet.hush_python()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    tries = {
        "not built again": outcome(NotBuiltAgain, strategy),
        "reduced": outcome(Reduced, strategy),
        "mended": outcome(Mended, strategy),
        "several steps": outcome(Mended, strategy, steps_per_execution=2),
    }
    print(json.dumps(tries))


if __name__ == "__main__":
    main()
