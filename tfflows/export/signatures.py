"""The signatures of an exported flow: what they take, and what they compute of it."""

import tensorflow as tf

from tfflows import metrics
from tfflows.export.rows import Rows, traced


class Signatures(tf.Module):
    """A flow's functions of batches, over its raw variables.

    A Keras model inside would be saved with Keras' own view of the variables, which Session engines
    cannot find. So Keras' objects stay in Python's closures, out of the attributes.

    Args:
      flow: A `Flow`.
      max_batch_size, max_temperature: As in `export_saved_model`.
    """

    def __init__(self, flow, max_batch_size, max_temperature):
        super().__init__(name="flow")
        self.flow_variables = list({id(v.value): v.value for v in flow.variables}.values())
        functions = _functions(flow, max_temperature)
        self._signatures = {n: traced(*parts, max_batch_size) for n, parts in functions.items()}
        # For Python, which has no strangers' requests to bound: `load_distribution`.
        self.unbounded = {n: traced(*functions[n]) for n in _UNBOUNDED if n in functions}

    def concrete(self):
        """Returns the signatures by name."""
        return {**self._signatures, "serving_default": self._signatures["log_prob"]}


_UNBOUNDED = ("log_prob", "sample")


def _functions(flow, max_temperature):
    """The functions by name, each with its inputs."""
    given = condition_rows(flow)
    x = Rows(tf.float32, flow.event_shape)
    of_data = {"log_prob": (_log_prob(flow), {"x": x, **given})}
    functions = {}
    if flow.calibration is not None:
        of_data["anomaly_score"] = (_anomaly_score(flow), {"x": x, **given})
    if flow.latent_shape is not None:
        between = {"x1": x, "x2": x, "fraction": Rows(tf.float32, (), 0.0, 1.0), **given}
        of_data["encode"] = (_encode(flow), {"x": x, **given})
        of_data["interpolate"] = (_interpolate(flow), between)
        functions["decode"] = (_decode(flow), {"z": Rows(tf.float32, flow.latent_shape), **given})
        draw = {
            "seed": Rows(tf.int32, (2,)),
            "temperature": Rows(tf.float32, (), 0.0, max_temperature),
        }
        functions["sample"] = (_sample(flow), {**draw, **given})
    functions.update(of_data)
    if flow.bins is not None:
        integers = Rows(tf.int32, flow.event_shape, 0, flow.bins - 1)
        for name, (function, inputs) in of_data.items():
            twins = {n: integers if rows is x else rows for n, rows in inputs.items()}
            functions[f"{name}_integers"] = (function, twins)
    return functions


def condition_rows(flow):
    """Returns the input that a conditional flow's signatures have more, by name."""
    if flow.classes is not None:
        return {"condition": Rows(tf.int32, (), 0, flow.classes - 1)}
    shape = getattr(flow, "condition_shape", None)
    return {} if shape is None else {"condition": Rows(tf.float32, tuple(shape))}


def _data(flow, x):
    return x if x.dtype.is_integer else tf.cast(x, flow.variable_dtype)


def _log_prob(flow):
    def log_prob(x, condition=None):
        log_prob = flow.log_prob(_data(flow, x), condition)
        bits = metrics.bits_per_dim(log_prob, flow.event_shape)
        return {"log_prob": log_prob, "bits_per_dim": bits}

    return log_prob


def _anomaly_score(flow):
    def anomaly_score(x, condition=None):
        return flow.anomaly_score(_data(flow, x), condition)

    return anomaly_score


def _encode(flow):
    def encode(x, condition=None):
        z, log_prob = flow.encode_and_log_prob(_data(flow, x), condition)
        return {"z": z, "log_prob": log_prob}

    return encode


def _decode(flow):
    def decode(z, condition=None):
        return {"x": flow.decode(z, condition)}

    return decode


def _sample(flow):
    base = flow.distribution.distribution

    def sample(seed, temperature, condition=None):
        # Row by row: a draw of the whole batch from one seed would depend on the batch's size.
        z = tf.map_fn(lambda row: base.sample(seed=row), seed, fn_output_signature=base.dtype)
        z = tf.ensure_shape(z, [None, *flow.latent_shape])
        z = base.mean() + _factors(temperature, z) * (z - base.mean())
        return {"x": flow.decode(z, condition)}

    return sample


def _interpolate(flow):
    def interpolate(x1, x2, fraction, condition=None):
        both = None if condition is None else tf.concat([condition, condition], axis=0)
        z = flow.encode(tf.concat([_data(flow, x1), _data(flow, x2)], axis=0), both)
        first, second = tf.split(z, 2)
        between = first + _factors(fraction, z) * (second - first)
        return {"x": flow.decode(between, condition)}

    return interpolate


def _factors(values, z):
    """A number for each row, as a factor of latents."""
    return tf.reshape(tf.cast(values, z.dtype), [-1] + [1] * (z.shape.rank - 1))
