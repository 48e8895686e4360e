"""`update_moments`: moving moments of batch normalizations for the weights as they are."""

import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows

SHAPE = (4, 4, 2)


def images(count, seed):
    x = flows.images(count, SHAPE, seed=seed)
    return x.astype(np.float32) + 0.5


def moments(flow):
    return [v.numpy() for v in flow.variables if "moving" in v.path]


def fresh(**options):
    return flows.trained("realnvp", SHAPE, **options)


def test_evaluation_of_the_only_batch_is_that_of_training():
    flow, x = fresh(), images(16, seed=0)
    trained = flow(x, training=True)
    assert np.max(np.abs(flow(x) - trained)) > 0.1
    tfflows.update_moments(flow, [x])
    np.testing.assert_allclose(flow(x), trained, rtol=1e-4)


def test_each_batch_counts_the_same():
    flow, parts = fresh(), [images(16, seed=1), images(8, seed=2), images(4, seed=3)]
    alone = []
    for part in parts:
        tfflows.update_moments(flow, [part])
        alone.append(moments(flow))
    tfflows.update_moments(flow, tf.data.Dataset.from_generator(lambda: parts, tf.float32))
    together = moments(flow)
    assert together
    for value, *each in zip(together, *alone, strict=True):
        np.testing.assert_allclose(value, np.mean(each, axis=0), rtol=1e-4, atol=1e-6)


def test_the_trained_weights_and_the_rest_stay():
    flow = fresh()
    before = [v.numpy() for v in flow.variables]
    tfflows.update_moments(flow, [flows.images(16, SHAPE)])
    for variable, value in zip(flow.variables, before, strict=True):
        moved = "moving" in variable.path
        assert np.array_equal(variable.numpy(), value) != moved, variable.path


def test_replicas_hold_the_same(two_replicas):
    with two_replicas.scope():
        flow = fresh()
    single, x = fresh(), [images(16, seed=1), images(16, seed=2)]
    single.set_weights(flow.get_weights())
    tfflows.update_moments(single, x)
    tfflows.update_moments(flow, x)
    for ours, theirs in zip(flow.variables, single.variables, strict=True):
        for part in two_replicas.experimental_local_results(ours.value):
            np.testing.assert_allclose(part, theirs, rtol=1e-5, atol=1e-6, err_msg=ours.path)


def test_flows_without_moments_take_no_batch():
    def refuse():
        raise NotImplementedError
        yield

    flow = flows.trained("glow", SHAPE)
    before = [v.numpy() for v in flow.variables]
    tfflows.update_moments(flow, refuse())
    for variable, value in zip(flow.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_moments_that_nothing_moves_stay():
    flow = fresh()
    flow.trainable = False
    before = moments(flow)
    tfflows.update_moments(flow, [images(16, seed=0)])
    for value, old in zip(moments(flow), before, strict=True):
        np.testing.assert_allclose(value, old, rtol=1e-6)


def test_refusals():
    with pytest.raises(ValueError, match=r"Expected at least one batch. Received: data=\[\]"):
        tfflows.update_moments(fresh(), [])
    with pytest.raises(ValueError, match=r"Expected .*x.shape="):
        tfflows.update_moments(fresh(), [np.zeros((3, 5))])
