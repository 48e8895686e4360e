"""Small flows and data for the tests of models and exports."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows

tfd = tfp.distributions

MODELS = {
    "nice": (tfflows.NICE, {"depth": 2, "width": 8, "hidden_layers": 2}),
    "realnvp": (tfflows.RealNVP, {"levels": 2, "depth": 1, "width": 4, "blocks": 1}),
    "glow": (tfflows.Glow, {"levels": 2, "depth": 1, "width": 8}),
}
NAMES = tuple(MODELS)
SHAPE, BINS = (4, 4, 1), 17


def fresh(kind, event_shape=SHAPE, *, bins=BINS, **options):
    """A small model of a kind, as its constructor leaves it."""
    model, defaults = MODELS[kind]
    if kind == "realnvp" and len(event_shape) == 1:
        defaults = {"depth": 2, "width": 8, "blocks": 2}
    return model(event_shape, bins=bins, **{**defaults, **options})


def trained(kind, event_shape=SHAPE, **options):
    """The same with every variable moved from its start."""
    return randomize(fresh(kind, event_shape, **options))


def small(kind, **options):
    """A fresh model with the fewest levels, for tests that trace much."""
    return fresh(kind, **({} if kind == "nice" else {"levels": 1}), **options)


def dequantizer(event_shape=SHAPE, *, bins=BINS, depth=2, width=4, **options):
    """A small fresh variational dequantizer."""
    return tfflows.VariationalDequantizer(event_shape, bins, depth=depth, width=width, **options)


def variational(kind, event_shape=SHAPE, *, bins=BINS, dtype="float32", **options):
    """A small model with a small dequantizer, every variable moved from its start."""
    noise = dequantizer(event_shape, bins=bins, dtype=options.get("precision") or dtype)
    return trained(kind, event_shape, bins=bins, dtype=dtype, dequantizer=noise, **options)


def comb():
    """A density of two elements: 4 equal and narrow peaks for each, in the middles of its cells."""
    peaks = tfd.Normal(tf.tile(tf.range(4.0)[None] + 0.5, [2, 1]), 0.05)
    return tfd.Independent(tfd.MixtureSameFamily(tfd.Categorical(tf.zeros([2, 4])), peaks), 1)


def randomize(flow, scale=0.1, seed=0):
    """Moves every variable of a flow, so that nothing in it is the identity; returns the flow."""
    rng = np.random.default_rng(seed)
    for variable in flow.variables:
        name, shape = variable.path, tuple(variable.shape)
        if "initialized" in name:
            variable.assign(True)
        elif "moving_variance" in name:
            variable.assign(rng.uniform(0.5, 1.5, shape))
        elif "moving_mean" in name or variable.trainable:
            variable.assign_add(scale * rng.standard_normal(shape))
    return flow


def images(n, event_shape=SHAPE, *, bins=BINS, seed=0):
    """Random integers, uint8."""
    return np.random.default_rng(seed).integers(0, bins, (n, *event_shape)).astype(np.uint8)


def fields(n, event_shape, *, bins=256, seed=0):
    """Smooth random images with a little noise, as photographs are; uint8."""
    rng = np.random.default_rng(seed)
    height, width, channels = event_shape
    rows, columns = np.arange(height)[:, None, None], np.arange(width)[:, None]
    total = np.zeros((n, height, width, channels))
    for frequency in range(1, 4):
        angle = rng.uniform(0, 2 * np.pi, (4, n, 1, 1, 1))
        turn = 2 * np.pi * frequency * (np.cos(angle[0]) * rows + np.sin(angle[0]) * columns) / 32
        tint = rng.uniform(0.5, 1.0, (n, 1, 1, channels))
        total += tint * np.cos(turn + angle[1]) / frequency
    total = 0.5 + 0.15 * total + 0.15 * rng.standard_normal((n, 1, 1, 1))
    total += 0.01 * rng.standard_normal(total.shape)
    return np.clip(bins * total, 0, bins - 1).astype(np.uint8)
