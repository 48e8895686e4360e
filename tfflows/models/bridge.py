"""What lies between Keras and TFP: each library's variables, found for the other."""

import functools
import inspect

import keras
import tensorflow as tf
import tensorflow_probability as tfp

# What tfb.Chain(...) makes of bijectors that are no composite tensors, as ours.
from tensorflow_probability.python.bijectors import chain

from tfflows import bijectors


def keras_layers(module):
    """Returns the Keras layers that a `tf.Module` holds, at any depth, in a fixed order.

    Layers that its functions use count too: `tfb.RealNVP` takes a function, which often is one of a
    network from around it or bound to it.
    """
    found, seen = {}, set()
    for leaf in module._flatten(recursive=True, predicate=lambda leaf: True):
        for layer in _layers_of(leaf, seen):
            found[id(layer)] = layer
    return list(found.values())


def other_variables(module, layers):
    """Returns a `tf.Module`'s variables that are none of the layers', as `keras.Variable`s.

    They share their storage with the originals.
    """
    known = {id(v.value) for layer in layers for v in layer.variables}
    return [_as_keras(v) for v in module.variables if id(v) not in known]


def paired(bijector, event_shape):
    """Returns a bijector with the paired methods for one that is, or is a `tfb.Chain` with, ours.

    Returns None for others, whose distributions are only reached through TFP.
    """
    if isinstance(bijector, bijectors.Bijector):
        return bijector
    if not isinstance(bijector, chain._Chain) or not _holds_ours(bijector):
        return None
    layers = []
    for element in bijector.bijectors:  # from data to latent, as in a Composite
        layer = paired(element, event_shape) or bijectors.FromTFP(event_shape, element)
        layers.append(layer)
        event_shape = layer.latent_shape
    return bijectors.Composite(layers)


def latent_shapes(bijector, latent_shape):
    """Returns the shapes of what the levels of a bijector's last part leave, else the one shape."""
    while isinstance(bijector, bijectors.Composite):
        bijector = bijector.layers[-1]
    if isinstance(bijector, bijectors.MultiScale):
        return bijector.latent_shapes
    return [latent_shape]


def initialized_flags(module, layers):
    """Returns the variables that tell whether the data-dependent parts have been started."""
    owners = [module, *module.submodules]
    owners += [part for layer in layers for part in layer._flatten_layers()]
    flags = [getattr(owner, "initialized", None) for owner in owners]
    return [flag for flag in flags if isinstance(flag, tf.Variable | keras.Variable)]


def _layers_of(leaf, seen):
    if isinstance(leaf, keras.layers.Layer):
        return [leaf]
    if id(leaf) in seen:  # a function may close over itself
        return []
    seen.add(id(leaf))
    return [layer for value in _values_of(leaf) for layer in _layers_of(value, seen)]


def _values_of(leaf):
    """What a function, an object with methods or a container can lead to."""
    if isinstance(leaf, dict):
        return list(leaf.values())
    if isinstance(leaf, list | tuple):
        return list(leaf)
    if inspect.ismethod(leaf):
        return [leaf.__self__, leaf.__func__]
    if isinstance(leaf, functools.partial):
        return [leaf.func, *leaf.args, *leaf.keywords.values()]
    if inspect.isfunction(leaf):
        used = inspect.getclosurevars(leaf)
        defaults = [*(leaf.__defaults__ or ()), *(leaf.__kwdefaults__ or {}).values()]
        return [*used.nonlocals.values(), *_plain(used.globals.values()), *defaults]
    if callable(leaf) and not isinstance(leaf, type | tf.Module):
        return list(getattr(leaf, "__dict__", {}).values())
    return []


def _plain(values):
    """Without modules and classes, whose own globals would lead everywhere."""
    return [v for v in values if not inspect.ismodule(v) and not isinstance(v, type)]


def _as_keras(variable):
    name = variable.name.split(":")[0].replace("/", ".")
    return keras.Variable(
        variable,
        dtype=variable.dtype.name,
        trainable=variable.trainable,
        autocast=False,
        name=name,
    )


def holds_foreign(distribution):
    """Whether there are bijectors of TFP's own, or only a distribution."""
    modules = [m for m in distribution.submodules if isinstance(m, tfp.bijectors.Bijector)]
    return not modules or not all(isinstance(m, bijectors.Bijector) for m in modules)


def _holds_ours(bijector):
    return any(isinstance(module, bijectors.Bijector) for module in bijector.submodules)
