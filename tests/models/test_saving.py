"""Saving and loading: whole models, their training's state, weights and checkpoints."""

import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows

every_model = pytest.mark.parametrize("name", flows.NAMES)
X = flows.images(16)


def as_json(flow):
    return json.dumps(flow.get_config())


@every_model
def test_keras_files_keep_everything(name, tmp_path):
    flow = flows.trained(name)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    assert type(loaded) is type(flow)
    assert as_json(loaded) == as_json(flow)
    assert loaded.initialized and loaded.bins == flow.bins
    for variable, other in zip(flow.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), other.numpy())
    np.testing.assert_allclose(loaded.log_prob(X), flow.log_prob(X), rtol=1e-6)


@every_model
def test_weights_files(name, tmp_path):
    flow, other = flows.trained(name), flows.fresh(name)
    before = other.log_prob(X)
    flow.save_weights(tmp_path / "flow.weights.h5")
    other.load_weights(tmp_path / "flow.weights.h5")
    np.testing.assert_allclose(other.log_prob(X), flow.log_prob(X), rtol=1e-6)
    assert np.ptp(before - other.log_prob(X)) > 1e-3
    assert other.initialized


def training(flow, steps):
    return [flow.train_on_batch(X, return_dict=True)["loss"] for _ in range(steps)]


def compiled(name):
    flow = flows.small(name)
    flow.compile(keras.optimizers.Adamax(1e-2, use_ema=True, global_clipnorm=10.0))
    return flow


@pytest.mark.parametrize("name", ["nice", "glow"])
def test_training_goes_on_as_if_never_stopped(name, tmp_path):
    flow = compiled(name)
    training(flow, 2)
    flow.save(tmp_path / "flow.keras")
    expected = training(flow, 2)
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    assert loaded.optimizer.iterations == 2
    np.testing.assert_allclose(training(loaded, 2), expected, rtol=1e-5)
    np.testing.assert_allclose(loaded.log_prob(X), flow.log_prob(X), rtol=1e-4)


@pytest.mark.parametrize("name", ["nice", "glow"])
def test_checkpoints(name, tmp_path):
    flow = compiled(name)
    training(flow, 2)
    path = tf.train.Checkpoint(model=flow, optimizer=flow.optimizer).save(str(tmp_path / "c"))
    expected = training(flow, 1)
    other = compiled(name)
    other.optimizer.build(other.trainable_variables)
    status = tf.train.Checkpoint(model=other, optimizer=other.optimizer).restore(path)
    status.assert_existing_objects_matched()
    assert other.initialized
    np.testing.assert_allclose(training(other, 1), expected, rtol=1e-5)


OPTIONS = {
    "nice": {"depth": 3, "base": "normal", "data_range": (-1, 1), "name": "mine"},
    "realnvp": {"batch_norm": False, "zero_init": False, "dtype": "float64"},
    "glow": {"transform": "additive", "permutation": "reverse", "learn_prior": False},
}


@every_model
def test_config_is_the_signature(name):
    flow = flows.fresh(name, **OPTIONS[name])
    config = flow.get_config()
    assert list(config) == list(inspect.signature(type(flow)).parameters)
    given = {**flows.MODELS[name][1], **OPTIONS[name]}
    assert {key: config[key] for key in given} == given
    for key in set(config) - {"name", "dtype"}:
        assert getattr(flow, key) == config[key], key
    again = type(flow).from_config(config)
    assert again.get_config() == config
    shapes = [[tuple(v.shape) for v in model.variables] for model in (flow, again)]
    assert shapes[0] == shapes[1]
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(flow))
    assert as_json(copy) == as_json(flow)


def test_bins_auto_is_resolved():
    assert tfflows.NICE((4, 4, 1), width=4, hidden_layers=1).bins == 256
    assert tfflows.NICE((4,), width=4, hidden_layers=1).bins is None
    assert tfflows.RealNVP((4,), depth=1, width=4, blocks=1).bins is None


def test_a_flow_of_a_distribution_has_no_config():
    normal = tfp.distributions.MultivariateNormalDiag(tf.Variable([0.0, 0.0]), [1.0, 1.0])
    flow = tfflows.Flow(normal)
    with pytest.raises(NotImplementedError, match="Expected a model that can be rebuilt.*Received"):
        flow.get_config()
