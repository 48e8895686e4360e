"""Checks of what a `Flow` is given."""

import numbers

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import checks
from tfflows.models import labels, refusals, values
from tfflows.models.variational import VariationalDequantizer

MOST_BINS = 2**22
_MOST_SAMPLES = 2**31 - 1  # which the bound counts in 32 bits


def check_distribution(distribution):
    """Refuses what is no distribution of single events of known shape."""
    if not isinstance(distribution, tfp.distributions.Distribution):
        raise TypeError(
            f"Expected a tfp.distributions.Distribution. Received: distribution={distribution!r}"
        )
    if tf.nest.is_nested(distribution.dtype) or not distribution.event_shape.is_fully_defined():
        raise ValueError(
            "Expected a distribution of one tensor with a known event shape. "
            f"Received: distribution={distribution!r}"
        )
    if distribution.batch_shape != tf.TensorShape([]) or not distribution.event_shape.rank:
        raise ValueError(
            "Expected a distribution of vectors or images, without a batch shape. "
            f"Received: distribution={distribution!r}"
        )


def check_bins(bins):
    """Returns the number of integer values of an element."""
    if isinstance(bins, bool) or not isinstance(bins, numbers.Integral) or bins < 2:
        raise ValueError(
            f"Expected bins to be an int of at least 2, or None. Received: bins={bins!r}"
        )
    if bins > MOST_BINS:
        raise ValueError(
            f"Expected bins of at most {MOST_BINS}, as float32 has no room for noise between more. "
            f"Received: bins={bins!r}"
        )
    return int(bins)


def check_dequantizer(flow, dequantizer):
    """Returns the dequantizer if it is for the flow's data; None is none."""
    if dequantizer is None:
        return None
    if not isinstance(dequantizer, VariationalDequantizer):
        raise TypeError(
            "Expected a tfflows.VariationalDequantizer, or None. "
            f"Received: dequantizer={dequantizer!r}"
        )
    for name in ("event_shape", "bins", "variable_dtype"):
        if getattr(flow, name) != getattr(dequantizer, name):
            raise ValueError(
                f"Expected a dequantizer of {name}={getattr(flow, name)!r}, the flow's. "
                f"Received: dequantizer.{name}={getattr(dequantizer, name)!r}"
            )
    return dequantizer


def check_samples(flow, samples, x=None):
    """Returns the number of dequantization samples, which is 1 for what is no integer."""
    if isinstance(samples, bool) or not isinstance(samples, numbers.Integral) or samples < 1:
        raise ValueError(
            "Expected dequantization_samples to be an int of at least 1. "
            f"Received: dequantization_samples={samples!r}"
        )
    if samples > _MOST_SAMPLES:
        raise ValueError(
            f"Expected dequantization_samples of at most {_MOST_SAMPLES}. "
            f"Received: dequantization_samples={samples!r}"
        )
    if samples > 1 and flow.bins is None:
        raise ValueError(
            "Expected one sample where nothing is dequantized, the model having no bins. "
            f"Received: dequantization_samples={samples!r}"
        )
    if samples > 1 and x is not None and not x.dtype.is_integer:
        raise ValueError(
            "Expected one sample where nothing is dequantized, or integer data. "
            f"Received: dequantization_samples={samples!r}, x.dtype={x.dtype.name}"
        )
    return int(samples)


def in_graph(flow, x):
    """Returns x as a tensor after the checks that a graph allows: dtype and shape."""
    x = of_kind(flow, x)
    check_shape(x.shape, flow.event_shape, "x")
    return x


def of_kind(flow, x, of=""):
    """Returns x as a tensor of a dtype that the flow takes; `of` says in errors of what it is."""
    x = values.tensor(x, "x")
    check_kind(flow, x, of)
    return x


def check_kind(flow, x, of=""):
    """Refuses a tensor, or its spec, whose dtype the flow does not take."""
    if x.dtype.is_integer and flow.bins is None:
        raise ValueError(
            f"Expected floating data{of}, since the model has no bins (cast it, or set bins). "
            f"Received: x.dtype={x.dtype.name}"
        )
    values.check_numbers(x, "x")


def checked(flow, x):
    """Returns x as a tensor; values that are known must be finite and within the bins."""
    x = in_graph(flow, x)
    if tf.executing_eagerly():
        values.check_values(x.numpy(), flow.bins, "x")
    return x


def checked_latent(z, shape, dtype):
    """Returns z as a tensor of the latent's dtype and shape."""
    z = values.tensor(z, "z")
    values.check_numbers(z, "z")
    z = tf.cast(z, dtype)
    check_shape(z.shape, tuple(shape), "z")
    return z


def checked_condition(flow, condition, batch):
    """Returns the condition as a tensor of finite values, or None for None.

    That of a class-conditional flow is labels, one for each example of a batch of the static shape
    `batch`, and comes back as one-hot.
    """
    if flow.classes is not None:
        known = labels.checked(condition, flow.classes, batch)
        return labels.one_hot(known, flow.classes, flow.variable_dtype)
    condition = condition_in_graph(flow, condition, batch)
    if condition is None:
        return None
    if tf.executing_eagerly():
        values.check_values(condition.numpy(), None, "condition")
    elif condition.dtype.is_floating:
        condition = tf.debugging.check_numerics(condition, "Expected finite values in condition")
    return condition


def condition_in_graph(flow, condition, batch):
    """Returns the condition, labels or not, as a tensor after the checks that a graph allows."""
    if flow.classes is not None:
        return labels.in_graph(condition, batch)
    if condition is None:
        if getattr(flow, "condition_shape", None) is not None:
            raise ValueError(
                "Expected a condition, as the flow is conditional, of "
                f"condition_shape={tuple(flow.condition_shape)}. Received: condition=None"
            )
        return None
    if flow._bijector is None:
        raise ValueError(
            "Expected no condition, which TFP's own bijectors are not given. "
            f"Received: condition={condition!r}"
        )
    condition = checks.tensor(condition, "condition")
    values.check_numbers(condition, "condition")
    _check_condition_shape(flow, condition, batch)
    return condition


def checked_continuous(x):
    """Returns x as a floating tensor."""
    x = values.tensor(x, "x")
    if not x.dtype.is_floating:
        raise TypeError(f"Expected floating data. Received: x.dtype={x.dtype.name}")
    return x


def checked_pair(flow, x, condition):
    """Returns x and its condition, each checked."""
    x = checked(flow, x)
    return x, checked_condition(flow, condition, batch_shape(x, flow.event_shape))


def batch_shape(value, event_shape):
    """Returns the static shape of a batch of events."""
    return value.shape[: value.shape.rank - len(event_shape)]


def guarded(flow, x):
    """Lets a training or evaluation step stop at data of wrong shape, not finite or off the bins.

    XLA compiles these checks away. What Keras' loops are given is checked before, see `given`.
    """
    x = tf.ensure_shape(x, [None] * (x.shape.rank - len(flow.event_shape)) + [*flow.event_shape])
    if x.dtype.is_floating:
        return tf.debugging.check_numerics(x, "Expected finite values in x")
    if 0 <= x.dtype.min and x.dtype.max < flow.bins:
        return x
    message = f"Expected integers from 0 to {flow.bins - 1} in x"
    wide = tf.cast(x, tf.int64)
    inside = tf.reduce_all((wide >= 0) & (wide < flow.bins))
    with tf.control_dependencies([tf.debugging.Assert(inside, [message])]):
        return tf.identity(x)


def _check_condition_shape(flow, condition, batch):
    """Refuses conditions for another batch, and those that a named flow has not been built for."""
    rank, event = len(batch), "..."
    known = condition.shape[:rank].is_compatible_with(batch)
    if hasattr(flow, "condition_shape"):
        if flow.condition_shape is None:
            raise ValueError(
                "Expected no condition, as the flow has condition_shape=None (0 channels). "
                f"Received: condition.shape={condition.shape}"
            )
        event = ", ".join(map(str, flow.condition_shape))
        known = known and condition.shape[rank:].is_compatible_with(flow.condition_shape)
    if not known:
        raise ValueError(
            f"Expected condition of shape [*batch, {event}], for a batch of shape {tuple(batch)}. "
            f"Received: condition.shape={condition.shape}"
        )


def check_shape(shape, event_shape, name, place=refusals.WHOLE, least=0):
    """Refuses a static shape that is of no batch of events, of `least` dimensions or more."""
    rank = len(event_shape)
    if (
        shape.rank is None
        or shape.rank < rank + least
        or not shape[shape.rank - rank :].is_compatible_with(event_shape)
    ):
        expected = f"[*batch, {', '.join(map(str, event_shape))}]"
        raise refusals.bad_shape(name, expected, shape, place)
