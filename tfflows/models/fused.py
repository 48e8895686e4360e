"""Keras' optimizers with TensorFlow's own kernel for each variable's whole update."""

import contextlib
import functools

import keras
import tensorflow as tf


@contextlib.contextmanager
def updates(optimizer):
    """Context in which an optimizer updates a variable by one operation, where there is one for it.

    Keras writes Adam and Adamax as some thirty operations a variable. A deep flow has more than a
    thousand variables: most of the graph, and of the time to build it, would be the optimizer's.
    TensorFlow's kernels compute the same formulas in one pass over memory. All else, clipping,
    averages, weight decay, schedules, stays Keras'. Other optimizers are left as they are.
    """
    kernel = _KERNELS.get(getattr(type(optimizer), "update_step", None))
    if kernel is None or getattr(optimizer, "amsgrad", False):
        yield
        return
    optimizer.__dict__["update_step"] = functools.partial(_update, optimizer, kernel, {})
    try:
        yield
    finally:
        optimizer.__dict__.pop("update_step", None)


def _update(optimizer, kernel, powers, gradient, variable, learning_rate):
    if isinstance(gradient, tf.IndexedSlices):
        return type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
    # The powers of the decay rates are the same for all variables of a dtype.
    key = variable.dtype, tf.compat.v1.get_default_graph()
    if key not in powers:
        powers[key] = _powers(optimizer, variable.dtype, learning_rate)
    index = optimizer._get_variable_index(variable)
    kernel(optimizer, index, variable.handle, tf.cast(gradient, variable.dtype), powers[key])


def _powers(optimizer, dtype, learning_rate):
    step = tf.cast(optimizer.iterations + 1, dtype)
    rates = {name: tf.cast(getattr(optimizer, name), dtype) for name in ("beta_1", "beta_2")}
    return {
        "beta1_power": tf.pow(rates["beta_1"], step),
        "beta2_power": tf.pow(rates["beta_2"], step),
        "lr": tf.cast(learning_rate, dtype),
        "beta1": rates["beta_1"],
        "beta2": rates["beta_2"],
        "epsilon": tf.cast(optimizer.epsilon, dtype),
    }


def _adam(optimizer, index, var, gradient, powers):
    m, v = optimizer._momentums[index], optimizer._velocities[index]
    tf.raw_ops.ResourceApplyAdam(
        var=var, m=m.value.handle, v=v.value.handle, grad=gradient, **powers
    )


def _adamax(optimizer, index, var, gradient, powers):
    m, u = optimizer._m[index], optimizer._u[index]
    powers = {name: value for name, value in powers.items() if name != "beta2_power"}
    tf.raw_ops.ResourceApplyAdaMax(
        var=var, m=m.value.handle, v=u.value.handle, grad=gradient, **powers
    )


_KERNELS = {
    keras.optimizers.Adam.update_step: _adam,
    keras.optimizers.Adamax.update_step: _adamax,
}
