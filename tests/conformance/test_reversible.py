"""Every bijector recomputed from its latent: the same gradients as plain backprop's."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.cases import case, every_row
from tests.conformance.test_training import snapshot
from tfflows import bijectors as tfb


def gradients(composite, c, training, jit_compile=False):
    """Gradients of a loss in which latent and log-det both count, as one vector each."""

    @tf.function(autograph=False, jit_compile=jit_compile)
    def function(x, condition):
        with tf.GradientTape() as tape:
            tape.watch([t for t in (x, condition) if t is not None])
            z, log_det = composite.inverse_and_log_det(x, condition=condition, training=training)
            loss = tf.reduce_mean(tf.reduce_sum(tf.cos(z + 0.3), range(1, len(z.shape))) * 0.5)
            loss -= tf.reduce_mean(log_det**2) * 0.1 + tf.reduce_mean(log_det)
        sources = [x, *([] if condition is None else [condition]), *composite.trainable_variables]
        return loss, tape.gradient(loss, sources, unconnected_gradients="zero")

    loss, values = function(c.x(5), c.kwargs(5).get("condition"))
    return loss, np.concatenate([np.ravel(value) for value in values])


def restore(bijector, values):
    for variable, value in zip(bijector.variables, values, strict=True):
        variable.assign(value)


def both(c, training, **options):
    """Loss, gradients and the variables afterwards of plain and of reversible backprop."""
    start, results = snapshot(c.bijector), []
    for recompute in (False, True):
        composite = tfb.Composite([c.bijector], recompute=recompute)
        results.append((*gradients(composite, c, training, **options), snapshot(c.bijector)))
        restore(c.bijector, start)
    return results


@every_row
@pytest.mark.parametrize("training", [False, True])
def test_same_gradients_in_float64(name, training):
    (loss, plain, state), (other_loss, recomputed, other_state) = both(
        case(name, tf.float64), training
    )
    np.testing.assert_allclose(other_loss, loss, rtol=1e-12)
    assert np.linalg.norm(recomputed - plain) <= 1e-10 * np.linalg.norm(plain)
    assert np.linalg.norm(plain) > 0
    # Batch norm has moved its moments, and dropout its seed, once in both.
    for value, other in zip(state, other_state, strict=True):
        np.testing.assert_allclose(other, value, rtol=1e-12)


@every_row
def test_same_gradients_in_float32(name):
    (_, plain, _), (_, recomputed, _) = both(case(name), True)
    assert np.linalg.norm(recomputed - plain) <= 1e-4 * np.linalg.norm(plain)
