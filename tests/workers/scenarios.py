"""What a worker does, and one process does alone, in a strategy's scope; see `worker`."""

import keras
import numpy as np
import tensorflow as tf

import tfflows

IMAGES = np.random.RandomState(0).randint(0, 256, (60, 4, 4, 1)).astype(np.uint8)
POINTS = np.random.RandomState(1).randn(60, 6).astype(np.float32)
LABELS = np.random.RandomState(2).randint(0, 3, 60)
BATCH = 12


class Losses(keras.callbacks.Callback):
    """Keeps the loss of each step, of which an epoch has one."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_epoch_end(self, epoch, logs):
        """Keeps it."""
        self.values.append(logs["loss"])


def glow(strategy):
    """Glow, started from its first batch; validation whose last batch is not full."""
    with strategy.scope():
        flow = tfflows.Glow((4, 4, 1), bins=256, levels=1, depth=2, width=8)
        flow.compile(keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.9))
    data = tf.data.Dataset.from_tensor_slices(IMAGES)
    trained = _train(flow, data.batch(BATCH, drop_remainder=True).repeat())
    return {
        **trained,
        "evaluated": list(flow.evaluate(data.batch(16), verbose=0, return_dict=True).values()),
        "predicted": flow.predict(data.batch(16), verbose=0),
    }


def realnvp(strategy):
    """RealNVP, whose moments are those of the global batch."""
    with strategy.scope():
        flow = tfflows.RealNVP((4, 4, 1), bins=256, levels=1, width=4, blocks=1)
        flow.compile(keras.optimizers.SGD(1e-3))
    data = tf.data.Dataset.from_tensor_slices(IMAGES)
    return _train(flow, data.batch(BATCH, drop_remainder=True).repeat())


def conditional(strategy):
    """A class-conditional Glow, with labels and weights."""
    with strategy.scope():
        flow = tfflows.Glow((4, 4, 1), bins=256, levels=1, depth=1, width=8, classes=3)
        flow.compile(keras.optimizers.SGD(1e-3))
    weights = np.linspace(0.5, 1.5, len(IMAGES)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS, weights))
    data = data.batch(BATCH, drop_remainder=True).repeat()
    history = flow.fit(data, steps_per_epoch=4, epochs=3, verbose=0)
    return {"losses": history.history["loss"], "weights": _weights(flow)}


def _train(flow, data):
    losses = Losses()
    flow.fit(data, epochs=10, steps_per_epoch=1, verbose=0, callbacks=[losses])
    return {"losses": losses.values, "weights": _weights(flow)}


def _weights(flow):
    variables = [*flow.weights, *flow.optimizer.variables]
    return np.concatenate([np.asarray(v, np.float64).reshape(-1) for v in variables])


SCENARIOS = {"glow": glow, "realnvp": realnvp, "conditional": conditional}
