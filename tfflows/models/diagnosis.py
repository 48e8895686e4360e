"""Where numbers go wrong: the first layer of a training step that makes them not finite."""

import contextlib

import tensorflow as tf

from tfflows import bijectors
from tfflows.models import skipping


def first_non_finite(flow, x, condition=None, seed=1):
    """Returns what first makes a training step on a batch not finite, as a phrase, or None.

    The step is evaluated outside of any graph, layer by layer; nothing of the flow changes.

    Args:
      flow: A `Flow`.
      x: Batch of data, as in `fit`.
      condition: Its conditions or labels, or None.
      seed: Of the noise of integers: the number of the step, counted from 1.

    Returns:
      Which of these is the first: the data, a layer by its path in the flow, the latents' density,
      the gradient of a variable by its path.
    """
    x = tf.convert_to_tensor(x)
    if not _finite(x):
        return "the data"
    data = x if condition is None else {"x": x, "condition": condition}
    moments = skipping.Moments(flow)
    x, condition, _ = flow._prepared(data)
    variables = flow.trainable_weights
    with _watched(flow._bijector) as found, tf.GradientTape() as tape:
        log_prob = flow._weight(x, condition, tf.constant(seed), training=flow.trainable)
    moments.restore_unless(tf.constant(False))
    if found:
        return found[0]
    if not _finite(log_prob):
        return "the density of the latents, or of the noise of the data"
    gradients = tape.gradient(log_prob, [v.value for v in variables])
    named = zip(gradients, variables, strict=True)
    bad = [v.path for g, v in named if g is not None and not _finite(g)]
    return f"the gradient of {bad[-1]}" if bad else None


@contextlib.contextmanager
def _watched(bijector):
    """Context with a list of what our bijectors inside of one made that is not finite, in order."""
    found, kept, parts = [], [], {} if bijector is None else _parts(bijector)
    for part, path in parts.values():
        # Of the object itself, for as long as it is watched.
        part.__dict__["_inverse_and_log_det"] = _watching(part, path, found)
        if isinstance(part, bijectors.Composite):
            kept.append((part, part.recompute))
            part.recompute = False
    try:
        yield found
    finally:
        for part, _ in parts.values():
            part.__dict__.pop("_inverse_and_log_det", None)
        for part, recompute in kept:
            part.recompute = recompute


def _parts(bijector):
    """Our bijectors inside of one, and itself, each with its path, by identity."""
    inside = bijector._flatten(
        recursive=True, predicate=lambda v: isinstance(v, bijectors.Bijector), with_path=True
    )
    parts = {id(bijector): (bijector, bijector.name)}
    for path, part in inside:
        words = "/".join(str(name).lstrip("_") for name in path)
        parts.setdefault(id(part), (part, f"{words} ({part.name})"))
    return parts


def _watching(part, path, found):
    method = type(part)._inverse_and_log_det

    def inverse_and_log_det(x, condition=None, training=False):
        z, log_det = method(part, x, condition=condition, training=training)
        for value, what in ((z, "the latent"), (log_det, "the log-det")):
            if not _finite(value):
                found.append(f"{what} of {path}")
        return z, log_det

    return inverse_and_log_det


def _finite(value):
    value = tf.convert_to_tensor(value)
    return value.dtype.is_integer or bool(tf.reduce_all(tf.math.is_finite(value)))
