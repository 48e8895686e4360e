"""A worker: `python -m tests.workers.worker FOLDER NAME...` leaves FOLDER/NAME-INDEX.npz."""

import pathlib
import sys

import trainers  # noqa: F401  before TensorFlow, whose start-up remarks it holds back
from trainers import quiet

# isort: split
import keras
import numpy as np
import tensorflow as tf

import tfflows
from tests.workers import scenarios


class Watched(tfflows.NICE):
    """Keeps the first value of each example that it is trained on."""

    def train_step(self, data):
        """Trains, and keeps them."""
        x = data[0] if isinstance(data, tuple) else data
        tf.numpy_function(lambda x: self.seen.extend(x[:, 0].tolist()), [x], [])
        return super().train_step(data)


def _watched(strategy):
    with strategy.scope():
        flow = Watched((6,), depth=2, width=4, hidden_layers=1)
        flow.compile(keras.optimizers.SGD(1e-3))
    flow.seen = []
    return flow


def counted_dataset(strategy, index, folder):
    """Examples of an epoch of a dataset, shuffled by a seed, whose last batch is not full."""
    flow = _watched(strategy)
    data = tf.data.Dataset.from_tensor_slices(scenarios.POINTS).shuffle(60, seed=5)
    flow.fit(data.batch(16), verbose=0)
    return {"seen": flow.seen}


def counted_arrays(strategy, index, folder):
    """Examples of an epoch of an array, which the workers shuffle by seeds of their own."""
    flow = _watched(strategy)
    keras.utils.set_random_seed(index)
    flow.fit(scenarios.POINTS, batch_size=12, verbose=0)
    return {"seen": flow.seen}


def different(strategy, index, folder):
    """Datasets in an order of each worker's own."""
    data = tf.data.Dataset.from_tensor_slices(scenarios.POINTS).shuffle(60, seed=index).batch(12)
    try:
        _watched(strategy).fit(data, verbose=0)
    except ValueError as error:
        return {"error": str(error)}
    return {"error": ""}


def several_steps(strategy, index, folder):
    """A flow that is to make two steps a call."""
    with strategy.scope():
        flow = tfflows.NICE((6,), depth=2, width=4, hidden_layers=1)
    try:
        flow.compile("adam", steps_per_execution=2)
    except ValueError as error:
        return {"error": str(error)}
    return {"error": ""}


def started(strategy, index, folder):
    """A Glow that each worker starts from data of its own."""
    with strategy.scope():
        flow = tfflows.Glow((4, 4, 1), bins=256, levels=1, depth=1, width=8)
    flow.initialize(scenarios.IMAGES[index * 20 : (index + 1) * 20])
    return {"weights": np.concatenate([np.asarray(v, np.float64).ravel() for v in flow.weights])}


def saved(strategy, index, folder):
    """A trained Glow, which the first worker alone saves and exports."""
    with strategy.scope():
        flow = tfflows.Glow((4, 4, 1), bins=256, levels=1, depth=1, width=8)
        flow.compile(keras.optimizers.Adam(1e-3))
    flow.fit(tf.data.Dataset.from_tensor_slices(scenarios.IMAGES).batch(12), verbose=0)
    if index == 0:
        flow.save(folder / "saved.keras")
        flow.save_weights(folder / "saved.weights.h5")
        tfflows.export_saved_model(flow, folder / "exported")
    return {"log_prob": flow.log_prob(scenarios.IMAGES[:5])}


OF_SEVERAL = {
    function.__name__: function
    for function in (counted_dataset, counted_arrays, different, several_steps, started, saved)
}


def main(folder, *names):
    """Runs the scenarios one after the other."""
    quiet.hush_python()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    index = strategy.cluster_resolver.task_id
    folder = pathlib.Path(folder)
    for name in names:
        keras.utils.set_random_seed(0)
        if name in scenarios.SCENARIOS:
            result = scenarios.SCENARIOS[name](strategy)
        else:
            result = OF_SEVERAL[name](strategy, index, folder)
        np.savez(folder / f"{name}-{index}.npz", **result)


if __name__ == "__main__":
    main(*sys.argv[1:])
