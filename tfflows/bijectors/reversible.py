"""Reversible training: activations are recomputed from outputs, layer by layer, going backwards."""

import contextlib

import keras
import tensorflow as tf


def inverse_and_log_det(bijector, x, condition, training):
    """Returns `(z, log_det)` of a bijector, of which backprop will remember the latent alone.

    Args:
      bijector: One with `_inverse_and_residual` and `_backward`.
      x: Batch of data.
      condition: As for the bijector's own methods, or None.
      training: Python bool.
    """

    @tf.custom_gradient
    def evaluate(x, *condition):
        condition = condition[0] if condition else None
        z, log_det, residual = bijector._inverse_and_residual(x, condition, training)

        def gradient(dz, dlog_det, variables=()):
            _, dx, dcondition, gradients = bijector._backward(
                z, residual, dz, dlog_det, condition, training
            )
            known = by_variable([(bijector, gradients)])
            inputs = [dx] if condition is None else [dx, dcondition]
            return inputs, [known.get(v.ref()) for v in variables]

        return (z, log_det), gradient

    return evaluate(x) if condition is None else evaluate(x, condition)


def gradients(tape, results, sources, dz, dlog_det):
    """Returns the gradients of `results`, a latent and its log-det, each with zeros for none.

    The log-det of a constant Jacobian is a scalar, but its gradient comes from a whole batch.
    """
    if results[1].shape.rank == 0:
        dlog_det = tf.reduce_sum(dlog_det)
    return tape.gradient(
        results,
        sources,
        output_gradients=[dz, dlog_det],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )


def by_variable(pairs):
    """Returns gradients by variable references, summed up, for pairs `(module, gradients)`."""
    known = {}
    for module, values in pairs:
        for variable, value in zip(module.trainable_variables, values, strict=True):
            key = variable.ref()
            known[key] = known[key] + value if key in known else value
    return known


def summed(module, dconditions, pairs):
    """Returns the gradients of a module's condition and variables from those of its parts."""
    dconditions = [d for d in dconditions if d is not None]
    known = by_variable(pairs)
    gradients = [known[v.ref()] for v in module.trainable_variables]
    return tf.add_n(dconditions) if dconditions else None, gradients


def after(value, other):
    """Returns `value`, to be computed after `other` whatever executes the graph.

    Without it all activations could be recomputed before the first gradient uses them. XLA does
    not keep control dependencies, but it does keep a product with zero, which might be NaN.
    """
    first = tf.reshape(other, [-1])[:1]
    return value + tf.reduce_sum(tf.zeros_like(first) * first)


def floating(*tensors):
    """Those of the tensors that can have gradients; None is none."""
    return [t for t in tensors if t is not None and t.dtype.is_floating]


def states(conditioner):
    """What a Keras layer's evaluation depends on and changes: seeds of dropout, moving moments."""
    variables = getattr(conditioner, "non_trainable_variables", ())
    return [v for v in variables if isinstance(v, keras.Variable) and v.dtype != "bool"]


def has_states(bijector):
    """Whether a bijector or one inside has a conditioner with `states`."""
    return any(getattr(module, "_states", ()) for module in (bijector, *bijector.submodules))


def replayed(variables, values):
    """Context that evaluates a Keras layer once more, as from earlier states, changing none."""
    if not variables:
        return contextlib.nullcontext()
    return keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True)))
