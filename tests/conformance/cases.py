"""Built bijectors with data for them, and what the conformance tests share."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.conformance.registry import ONE_OF_EACH, ROWS
from tfflows import bijectors as tfb

every_row = pytest.mark.parametrize("name", ROWS)
one_of_each = pytest.mark.parametrize("name", ONE_OF_EACH)


def close(actual, expected, tolerance=1e-5):
    """Asserts equality within a tolerance that is relative above 1 and absolute below."""
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def build(row, dtype=tf.float32):
    """The row's bijector with every weight moved away from its start, and moments set."""
    bijector = row.make(dtype)
    rng = np.random.default_rng(0)
    for variable in bijector.variables:
        if "moving_mean" in variable.name:
            variable.assign(0.5 * rng.standard_normal(variable.shape))
        elif "moving_variance" in variable.name:
            variable.assign(rng.uniform(0.5, 2.0, variable.shape))
        elif variable.trainable:
            variable.assign_add(0.2 * rng.standard_normal(variable.shape))
    return bijector


def sample(where, shape, dtype, seed=0):
    """Random numbers from the normal distribution, or inside the unit interval."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.05, 0.95, shape) if where == "unit" else rng.standard_normal(shape)
    return tf.constant(values, dtype)


class Case:
    """A built bijector with data for it."""

    def __init__(self, row, dtype=tf.float32):
        self.row, self.dtype = row, dtype
        self.bijector = build(row, dtype)

    def x(self, *batch, seed=0):
        """A batch of data."""
        return sample(self.row.data, [*batch, *self.bijector.event_shape], self.dtype, seed)

    def z(self, *batch, seed=1):
        """A batch of latents."""
        return sample(self.row.latent, [*batch, *self.bijector.latent_shape], self.dtype, seed)

    def kwargs(self, *batch, seed=2):
        """`condition` for a batch, where the row has one."""
        if not self.row.condition:
            return {}
        return {"condition": sample("normal", [*batch, 3], self.dtype, seed)}

    def contains(self, cls):
        """The bijectors of a class in this one, itself included."""
        modules = (self.bijector, *self.bijector.submodules)
        return [module for module in modules if isinstance(module, cls)]

    def distribution(self, bijector=None):
        """The bijector on noise of the place where its latents live."""
        zero, one = tf.constant(0, self.dtype), tf.constant(1, self.dtype)
        law = tfp.distributions.Uniform if self.row.latent == "unit" else tfp.distributions.Normal
        noise = tfp.distributions.Sample(law(zero, one), self.bijector.latent_shape)
        return tfp.distributions.TransformedDistribution(noise, bijector or self.bijector)


@functools.cache
def case(name, dtype=tf.float32):
    """A row's case, built once, for tests that do not change it."""
    return Case(ROWS[name], dtype)


def count_conditioner_calls(c):
    """Returns a list for each coupling to which every evaluation of its conditioner appends."""
    counts = []
    for coupling in c.contains(tfb.Coupling):
        calls, conditioner = [], coupling.conditioner

        def counted(*args, _calls=calls, _conditioner=conditioner, **kwargs):
            _calls.append(1)
            return _conditioner(*args, **kwargs)

        coupling.conditioner = counted
        counts.append(calls)
    return counts
