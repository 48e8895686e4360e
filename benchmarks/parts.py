"""What the contenders are made of: flows, their networks on their own, and data."""

import functools

import keras
import numpy as np
import tensorflow as tf

import tfflows
from benchmarks import normflows_client

MODELS = {"glow": tfflows.Glow, "nice": tfflows.NICE, "realnvp": tfflows.RealNVP}
# So small that no contender diverges, without warm-up and clipping; a step takes the same time.
LEARNING_RATE = 1e-5


class Parts:
    """Makes each part once: a flow that is trained, one that is not, the networks of another.

    Args:
      stack: `contextlib.ExitStack` that ends the workers.
      normflows_python: A Python with torch and normflows, or None.
    """

    def __init__(self, stack, normflows_python=None):
        self.trained_flow = functools.cache(make_flow)
        self.flow = functools.cache(make_flow)
        self.networks = functools.cache(networks)
        self.versions = {}
        self._stack, self._python = stack, normflows_python

    def worker(self, settings):
        """Returns a process that trains normflows' Glow."""
        worker = normflows_client.Worker(self._python, settings)
        self._stack.callback(worker.close)
        self.versions.update(worker.versions)
        return worker


def images(settings):
    """Returns a batch of smooth random uint8 images, the same every time."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(size=(settings.batch, 4, 4, settings.channels))
    smooth = keras.ops.image.resize(coarse, (settings.size, settings.size), "bicubic")
    noise = rng.normal(scale=0.02, size=(settings.batch, *settings.event_shape))
    return tf.constant(np.clip((np.asarray(smooth) + noise) * 256, 0, 255).astype(np.uint8))


def build_flow(settings):
    """Returns a fresh flow of these settings."""
    return MODELS[settings.model](settings.event_shape, **settings.arguments)


def make_flow(settings):
    """Returns a flow that has been started from the data and compiled."""
    flow = build_flow(settings)
    flow.initialize(images(settings))
    compile_by_adam(flow, settings)
    return flow


def networks(settings):
    """Returns the conditioners of a fresh flow with the shapes of their inputs.

    Returns:
      List of `(Keras layer, shape with the batch)`, in the order of the flow's modules.
    """
    modules = build_flow(settings).distribution.bijector.submodules
    couplings = [module for module in modules if hasattr(module, "conditioner")]
    return [(c.conditioner, (settings.batch, *c.partition.kept_shape)) for c in couplings]


def compile_by_adam(model, settings):
    """Compiles a Keras model as all contenders are."""
    model.compile(keras.optimizers.Adam(LEARNING_RATE), jit_compile=settings.jit)
    model.optimizer.build(model.trainable_variables)


def training(model, data):
    """Returns a function that takes one training step inside `fit`'s train function.

    Its value is the mean loss of the steps so far, read to the host.
    """
    iterator = iter(tf.data.Dataset.from_tensors(data).repeat())
    model.make_train_function()
    return lambda: float(model.train_function(iterator)["loss"])
