"""Batches that some replicas get nothing of, models that are frozen, integers off the bins."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows

X = flows.images(16)


@pytest.mark.parametrize("kind", flows.NAMES)
def test_a_replica_without_examples_changes_nothing(kind, two_replicas):
    one = flows.randomize(flows.small(kind))
    with two_replicas.scope():
        two = flows.randomize(flows.small(kind))
        two.compile(keras.optimizers.SGD(1e-3))
        two.set_weights(one.get_weights())
    one.compile(keras.optimizers.SGD(1e-3))
    for flow in (one, two):
        flow.fit(X[:1], batch_size=2, verbose=0)
    for a, b in zip(one.variables, two.variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


def test_a_replica_without_examples_leaves_batch_norm_finite(two_replicas):
    with two_replicas.scope():
        flow = tfflows.RealNVP((3,), depth=2, width=4, blocks=1)
        flow.compile("sgd")
    x = np.random.default_rng(0).standard_normal((15, 3)).astype(np.float32)
    losses = flow.fit(x, batch_size=7, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert all(np.isfinite(v.numpy()).all() for v in flow.trainable_variables)


def test_a_flow_that_is_not_trainable_keeps_its_moments():
    flow = flows.trained("realnvp", (4,), bins=None)
    flow.trainable = False
    flow.compile("sgd")
    before = [v.numpy() for v in flow.variables]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that there is nothing to train
        flow.fit(np.ones((8, 4), np.float32), verbose=0)
    for value, variable in zip(before, flow.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())


def test_integers_off_the_bins_stop_every_loop():
    flow = flows.fresh("nice")
    flow.compile("sgd")
    flow.initialize(X)
    bad = np.full((4, 4, 4, 1), 200, np.uint8)
    for loop in (flow.evaluate, flow.predict, flow.train_on_batch):
        with pytest.raises(ValueError, match="Received: values from 200 to 200"):
            loop(bad)
    with pytest.raises(ValueError, match="Received: values from 200 to 200"):
        flow.fit(X, validation_data=(bad,), verbose=0)
    with pytest.raises(ValueError, match="from 0 to 16 in x. .*=200, example 0 of batch 0"):
        flow.fit(tf.data.Dataset.from_tensor_slices(bad).batch(2), verbose=0)


@pytest.mark.parametrize("batch", [(0,), (2, 0)])
@pytest.mark.parametrize("kind", flows.NAMES)
def test_no_data_have_no_densities(kind, batch):
    flow = flows.trained(kind, condition_shape=(2,))
    x, condition = np.zeros((*batch, *flows.SHAPE), np.uint8), np.zeros((*batch, 2))
    z, log_prob = flow.encode_and_log_prob(x, condition)
    assert z.shape == (*batch, 16) and log_prob.shape == batch
    assert flow.log_prob(x, condition, 2).shape == batch
    assert flow.decode(z, condition).shape == x.shape
