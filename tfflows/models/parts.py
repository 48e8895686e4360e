"""What a batch is made of, in a graph, and the tests that each part has to pass."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfflows.models import batches, inputs, refusals


class Part(NamedTuple):
    """A tensor of a batch.

    Attributes:
      name: x, labels, condition or sample_weight.
      tensor: it.
      limit: integers are below it, and at least 0; None for values that have to be finite.
      tests: pairs of a boolean tensor and a function that says in texts what is wrong.
      refined: a static shape that is known of it once it has passed, and was not, or None.
    """

    name: str
    tensor: tf.Tensor
    limit: int | None
    tests: list
    refined: Any = None


def of_batch(flow, batch, place):
    """Returns the parts of a batch as `fit` takes it, x the first, after all static checks."""
    x, y, weights = keras.utils.unpack_x_y_sample_weight(batches.with_labels(flow, batch))
    x, condition = batches.unpack(x)
    x = inputs.of_kind(flow, x, place.of)
    shape = x.shape
    if shape.rank is None:
        shape = tf.TensorShape([None] * (1 + len(flow.event_shape)))
    inputs.check_shape(shape, flow.event_shape, "x", place)
    outer = shape[: shape.rank - len(flow.event_shape)]
    if not outer.rank:
        raise ValueError(
            f"Expected batches of {place.data}, which dataset.batch(n) makes. "
            f"Received: x.shape={shape}"
        )
    if outer[0] == 0:
        raise refusals.no_examples(f"x.shape={shape}", place)
    lead = tf.shape(x)[: outer.rank], outer.rank
    made = [_part("x", x, flow.bins, lead, flow.event_shape)]
    condition = inputs.condition_in_graph(flow, condition, outer)
    if flow.classes is not None:
        made.append(_part("labels", condition, flow.classes, lead, ()))
    elif condition is not None:
        trail = getattr(flow, "condition_shape", None)
        made.append(_part("condition", condition, None, lead, trail))
    if isinstance(weights, tf.Tensor):
        if weights.shape.rank not in (None, 1):
            expected = "[batch], one for each example"
            raise refusals.bad_shape("sample_weight", expected, weights.shape, place)
        made.append(_part("sample_weight", weights, None, lead, ())._replace(refined=None))
    return made


def refined(batch, made):
    """Returns the batch with what is known of the shapes of its parts."""
    known = {id(p.tensor): tf.ensure_shape(p.tensor, p.refined) for p in made if p.refined}
    return tf.nest.map_structure(lambda value: known.get(id(value), value), batch)


def _part(name, tensor, limit, lead, trail):
    """A part of shape `[*lead, *trail]`; without a trail, of a shape that starts so.

    `lead` is a tensor and its static size.
    """
    limit = limit if tensor.dtype.is_integer else None
    known = trail is None or _is_known(tensor.shape, trail)
    tests = [] if known and name == "x" else [_shape_test(name, tensor, lead, trail)]
    tests += _value_tests(name, tensor, limit)
    return Part(name, tensor, limit, tests, None if known else [*[None] * lead[1], *trail])


def _is_known(shape, trail):
    return shape.rank is not None and shape[shape.rank - len(trail) :].is_fully_defined()


def _shape_test(name, tensor, lead, trail):
    lead, outer = lead
    shape = tf.shape(tensor)
    compared = shape[:outer] if trail is None else shape
    expected = lead if trail is None else tf.concat([lead, tf.constant(trail, tf.int32)], axis=0)
    ok = tf.cond(
        tf.equal(tf.size(compared), tf.size(expected)),
        lambda: tf.reduce_all(tf.equal(compared, expected)),
        lambda: False,
    )

    def details():
        if name == "x":
            words = f"[*batch, {', '.join(map(str, trail))}]"
        else:
            end = "], one for each example" if trail is not None else ", ...], one for each example"
            words = tf.strings.join(["[", _joined(expected, ", "), end])
        return "shape", name, words, _joined(shape)

    return ok, details


def _value_tests(name, tensor, limit):
    if tensor.dtype.is_floating:
        ok = tf.reduce_all(tf.math.is_finite(tensor))
    elif limit is None:  # integers are finite
        return []
    else:
        oks = [] if tensor.dtype.min >= 0 else [tf.reduce_min(tensor) >= 0]
        oks += [] if tensor.dtype.max < limit else [tf.reduce_max(tensor) < limit]
        if not oks:
            return []
        ok = tf.reduce_all(oks)

    def details():
        flat = tf.reshape(tensor, [-1])
        position = tf.argmax(tf.cast(_off(flat, limit), tf.int32))
        index = tf.unravel_index(position, tf.shape(tensor, tf.int64))
        value = flat[position]
        value = tf.cast(value, tf.float64) if tensor.dtype.is_floating else value
        return "value", name, _joined(index), tf.strings.as_string(value)

    return [(ok, details)]


def _off(values, limit):
    if values.dtype.is_floating:
        return ~tf.math.is_finite(values)
    wide = tf.cast(values, tf.int64)
    return (wide < 0) | (wide >= limit)


def _joined(integers, separator=","):
    return tf.strings.reduce_join(tf.strings.as_string(integers), separator=separator)
