"""Every bijector in training: gradients, state, conditions, and what an evaluation costs."""

import inspect

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tests.conformance.cases import Case, case, close, count_conditioner_calls, every_row
from tests.conformance.registry import EXCEPTIONS, ROWS
from tfflows import bijectors as tfb


def snapshot(bijector):
    return [variable.numpy() for variable in bijector.variables]


def assert_unchanged(bijector, before):
    for variable, value in zip(bijector.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.name)


@every_row
def test_every_variable_gets_a_gradient(name):
    c = case(name)
    variables, x = c.bijector.trainable_variables, c.x(4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(c.distribution().log_prob(x, bijector_kwargs=c.kwargs(4)))
    gradients = tape.gradient(loss, variables)
    assert all(gradient is not None for gradient in gradients)
    idle = [v.name for v, g in zip(variables, gradients, strict=True) if not np.any(g)]
    assert len(idle) == (("test_every_variable_gets_a_gradient", name) in EXCEPTIONS), idle


@every_row
def test_owns_the_variables_of_its_conditioners(name):
    c = case(name)
    owned = {variable.ref() for variable in c.bijector.trainable_variables}
    for coupling in c.contains(tfb.Coupling):
        for variable in getattr(coupling.conditioner, "trainable_variables", ()):
            raw = variable if isinstance(variable, tf.Variable) else variable.value
            assert raw.ref() in owned


@every_row
def test_evaluation_assigns_nothing(name):
    c = case(name)
    b, x, z, kwargs, distribution = c.bijector, c.x(3), c.z(3), c.kwargs(3), c.distribution()
    before = snapshot(b)
    b.forward(z, **kwargs)
    b.forward_log_det_jacobian(tf.identity(z), len(b.latent_shape), **kwargs)
    b.inverse(x, **kwargs)
    b.inverse_log_det_jacobian(tf.identity(x), len(b.event_shape), **kwargs)
    b.forward_and_log_det(z, **kwargs)
    b.inverse_and_log_det(x, **kwargs)
    distribution.log_prob(tf.identity(x), bijector_kwargs=kwargs)
    distribution.experimental_sample_and_log_prob(3, seed=0, bijector_kwargs=kwargs)
    assert_unchanged(b, before)


@every_row
def test_training_matters_to_batch_normalization_only(name):
    c = case(name)
    if c.contains(tfb.BatchNorm):
        c = Case(ROWS[name])  # which the moving moments leave unfit for other tests
    b, kwargs, before = c.bijector, c.kwargs(3), snapshot(c.bijector)
    expected, expected_log_det = b.inverse_and_log_det(c.x(3), **kwargs)
    value, log_det = b.inverse_and_log_det(c.x(3), training=True, **kwargs)
    if c.contains(tfb.BatchNorm):
        assert np.abs(value - expected).max() > 1e-2
        assert np.abs(log_det - expected_log_det).max() > 1e-2
    else:
        close(value, expected, 0)
        close(log_det, expected_log_det, 0)
        assert_unchanged(b, before)
    before = snapshot(b)
    expected, expected_log_det = b.forward_and_log_det(c.z(3), **kwargs)
    value, log_det = b.forward_and_log_det(c.z(3), training=True, **kwargs)
    close(value, expected, 0)
    close(log_det, expected_log_det, 0)
    assert_unchanged(b, before)


@every_row
def test_condition_reaches_every_conditioner(name):
    """A condition changes the result where there is a conditioner for it, and else nothing."""
    c = case(name)
    b, condition = c.bijector, c.kwargs(3).get("condition")
    if condition is None and c.contains(tfb.Coupling):
        return
    for pair, values in ((b.inverse_and_log_det, c.x(3)), (b.forward_and_log_det, c.z(3))):
        value, _ = pair(values, condition=condition)
        other, _ = pair(values, condition=tf.ones([3, 3]))
        if condition is None:
            close(value, other, 0)
        else:
            assert all(np.abs(value - other).reshape(3, -1).max(axis=1) > 1e-3)


@every_row
def test_one_conditioner_call_for_value_and_log_det(name):
    if not case(name).contains(tfb.Coupling):
        return
    c = Case(ROWS[name])
    counts = count_conditioner_calls(c)
    b, x, z, kwargs = c.bijector, c.x(2), c.z(2), c.kwargs(2)
    of_bijector = {"bijector_kwargs": kwargs}

    def value_then_log_det(value, log_det, argument):
        held = value(argument, **kwargs)  # TFP forgets what nobody holds
        log_det(argument, argument.shape.rank - 1, **kwargs)
        return held

    chained = c.distribution(tfp.bijectors.Chain([b]))
    of_chain = {"bijector_kwargs": {b.name: kwargs} if kwargs else {}}
    evaluations = {
        "inverse_and_log_det": lambda: b.inverse_and_log_det(x, **kwargs),
        "forward_and_log_det": lambda: b.forward_and_log_det(z, **kwargs),
        "inverse_log_det_jacobian": lambda: b.inverse_log_det_jacobian(
            tf.identity(x), len(b.event_shape), **kwargs
        ),
        "forward_log_det_jacobian": lambda: b.forward_log_det_jacobian(
            tf.identity(z), len(b.latent_shape), **kwargs
        ),
        "inverse, log-det": lambda: value_then_log_det(
            b.inverse, b.inverse_log_det_jacobian, tf.identity(x)
        ),
        "forward, log-det": lambda: value_then_log_det(
            b.forward, b.forward_log_det_jacobian, tf.identity(z)
        ),
        "log_prob": lambda: c.distribution().log_prob(tf.identity(x), **of_bijector),
        "chain": lambda: chained.log_prob(tf.identity(x), **of_chain),
        "sample": lambda: c.distribution().sample(2, seed=0, **of_bijector),
        "sample_and_log_prob": lambda: c.distribution().experimental_sample_and_log_prob(
            2, seed=0, **of_bijector
        ),
    }
    for what, evaluate in evaluations.items():
        for calls in counts:
            calls.clear()
        evaluate()
        assert [len(calls) for calls in counts] == [1] * len(counts), what


@every_row
def test_parameters_are_the_arguments(name):
    b = case(name).bijector
    arguments = inspect.signature(type(b).__init__).parameters
    assert set(b.parameters) == set(arguments) - {"self"}
    assert all(hasattr(b, argument) for argument in b.parameters)


@every_row
def test_copies(name):
    c = case(name)
    b = c.bijector
    copy = b.copy(name="copy")
    assert type(copy) is type(b) and copy.name == "copy"
    assert (copy.event_shape, copy.latent_shape) == (b.event_shape, b.latent_shape)
    for variable, value in zip(copy.variables, snapshot(b), strict=True):
        variable.assign(value)
    for mine, theirs in zip(
        copy.inverse_and_log_det(c.x(2), **c.kwargs(2)),
        b.inverse_and_log_det(c.x(2), **c.kwargs(2)),
        strict=True,
    ):
        close(mine, theirs, 0)
