"""Flows in the form that converters take: constant matrices, no random operations, no checks."""

import functools

import tensorflow as tf

from tfflows import metrics
from tfflows.export.rows import Rows
from tfflows.export.signatures import condition_rows


class PortableSignatures(tf.Module):
    """A flow's densities and latents, in operations that other runtimes have.

    Args:
      flow: A `Flow`.
    """

    def __init__(self, flow):
        super().__init__(name="flow")
        self.flow_variables = list({id(v.value): v.value for v in flow.variables}.values())
        self._signatures = {name: _traced(flow, *parts) for name, parts in _functions(flow).items()}

    def concrete(self):
        """Returns the signatures by name."""
        return {**self._signatures, "serving_default": self._signatures["log_prob"]}


def _functions(flow):
    """The functions by name, each with its inputs."""
    x, given = {"x": Rows(tf.float32, flow.event_shape)}, condition_rows(flow)
    functions = {"log_prob": (_log_prob(flow), {**x, **given})}
    if flow.latent_shape is not None:
        z = {"z": Rows(tf.float32, flow.latent_shape)}
        functions["encode"] = (_encode(flow), {**x, **given})
        functions["decode"] = (_decode(flow), {**z, **given})
    return functions


def _log_prob(flow):
    def log_prob(x, condition=None):
        log_prob = _now(flow, "_log_prob")(x, _known(flow, condition), x.shape.rank)
        bits = metrics.bits_per_dim(log_prob, flow.event_shape)
        return {"log_prob": log_prob, "bits_per_dim": bits}

    return log_prob


def _encode(flow):
    def encode(x, condition=None):
        z, log_prob = _now(flow, "_encode")(x, _known(flow, condition), x.shape.rank)
        return {"z": z, "log_prob": log_prob}

    return encode


def _decode(flow):
    def decode(z, condition=None):
        return {"x": _now(flow, "_decode")(z, _known(flow, condition), z.shape.rank)}

    return decode


def _now(flow, name):
    """A method of a flow, traced anew: its `tf.function` may remember a graph for servers."""
    return functools.partial(getattr(type(flow), name).python_function, flow)


def _known(flow, condition):
    """The condition as networks take it; a label that is none becomes NaN."""
    if condition is None or flow.classes is None:
        return condition
    from tfflows.models import labels

    return labels.one_hot(tf.cast(condition, tf.int64), flow.classes, flow.variable_dtype)


def _traced(flow, function, inputs):
    def cast(**values):
        floats = {
            n: tf.cast(v, flow.variable_dtype) for n, v in values.items() if v.dtype.is_floating
        }
        return {n: tf.cast(v, tf.float32) for n, v in function(**{**values, **floats}).items()}

    specs = {name: rows.spec(name) for name, rows in inputs.items()}
    from tfflows.bijectors.portable import portable  # here, as who loads an export needs none

    with portable():
        return tf.function(cast, autograph=False).get_concrete_function(**specs)
