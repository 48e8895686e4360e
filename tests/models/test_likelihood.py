"""What the likelihood means: bits per dimension, integrals, repetition, and the start."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows

tfd = tfp.distributions
every_model = pytest.mark.parametrize("name", flows.NAMES)


def compiled(flow):
    flow.compile(keras.optimizers.Adamax(1e-3))
    return flow


def test_a_uniform_model_reads_its_bits():
    uniform = tfd.Independent(tfd.Uniform(tf.zeros([4, 4, 3]), 256.0), 3)
    flow = compiled(tfflows.Flow(uniform, bins=256))
    x = flows.images(32, (4, 4, 3), bins=256)
    assert flow.evaluate(x, verbose=0, return_dict=True)["bits_per_dim"] == 8.0
    bits = tfflows.metrics.bits_per_dim(flow.log_prob(x), flow.event_shape)
    np.testing.assert_array_equal(bits, np.full(32, 8.0, np.float32))


@every_model
def test_evaluation_repeats_exactly_and_bits_follow_from_the_loss(name):
    flow = compiled(flows.randomize(flows.small(name)))
    x = flows.images(100)
    log_prob = flow.log_prob(x).numpy()
    expected = {
        "loss": -log_prob.mean(),
        "bits_per_dim": -log_prob.mean() / (16 * np.log(2)),
    }
    first = flow.evaluate(x, batch_size=32, verbose=0, return_dict=True)
    assert set(first) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(first[key], value, rtol=1e-5)
    assert flow.evaluate(x, batch_size=32, verbose=0, return_dict=True) == first
    keras.utils.set_random_seed(5)
    other = flow.evaluate(x[::-1], batch_size=7, verbose=0, return_dict=True)
    np.testing.assert_allclose(list(other.values()), list(first.values()), rtol=1e-5)
    np.testing.assert_allclose(flow.predict(x, batch_size=9, verbose=0), log_prob, rtol=1e-5)


def test_training_noise_changes_with_the_step_and_repeats():
    def losses(steps):
        keras.utils.set_random_seed(0)
        flow = flows.trained("nice")
        flow.compile(keras.optimizers.SGD(0.0))
        x = flows.images(8)
        return [flow.train_on_batch(x, return_dict=True)["loss"] for _ in range(steps)]

    first = losses(3)
    assert len(set(map(float, first))) == 3
    assert losses(3) == first


@pytest.mark.parametrize("name", ["nice", "realnvp"])
def test_a_trained_density_integrates_to_one(name):
    points = tfflows.data.sample("two_moons", 2000).astype(np.float32)
    options = {"depth": 4, "width": 32, "bins": None}
    flow = flows.fresh(name, (2,), **options)
    flow.compile(keras.optimizers.Adam(5e-3))
    history = flow.fit(points, epochs=12, batch_size=200, verbose=0).history["loss"]
    gaussian = tfd.MultivariateNormalFullCovariance(
        points.mean(0), np.cov(points.T).astype(np.float32)
    )
    if name == "realnvp":  # the additive couplings of so small a NICE hardly beat it
        assert history[-1] < -np.mean(gaussian.log_prob(points)) - 0.1
    assert history[-1] < history[0] - 0.1
    side = np.linspace(-6, 6, 601, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    total = np.exp(flow.log_prob(grid).numpy().astype(np.float64)).sum() * (side[1] - side[0]) ** 2
    np.testing.assert_allclose(total, 1.0, atol=1e-2)


@pytest.mark.parametrize(
    "name, options", [("nice", {"data_range": (-1, 1)}), ("realnvp", {}), ("glow", {})]
)
def test_an_untrained_model_of_images_starts_near_eight_bits(name, options):
    x = flows.fields(128, (16, 16, 3))
    flow = compiled(flows.fresh(name, (16, 16, 3), bins=256, **options))
    flow.initialize(x[:64])
    bits = flow.evaluate(x[64:], verbose=0, return_dict=True)["bits_per_dim"]
    print(name, bits)
    assert 6 < bits < 9


def test_layers_losses_are_part_of_the_loss():
    dense = keras.layers.Dense(4, activity_regularizer=keras.regularizers.L2(1.0))
    coupling = tfflows.bijectors.SplitCoupling((4,), dense, "exp")
    base = tfd.MultivariateNormalDiag(tf.zeros(4), tf.ones(4))
    flow = compiled(tfflows.Flow(tfd.TransformedDistribution(base, coupling)))
    x = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
    loss = flow.evaluate(x, verbose=0, return_dict=True)["loss"]
    assert abs(loss + np.mean(flow.log_prob(x))) > 1e-2


def test_sample_weights_of_validation_without_labels():
    flow, x = compiled(flows.trained("nice")), flows.images(24)
    weights = np.linspace(0, 2, len(x)).astype(np.float32)
    history = flow.fit(x, validation_data=(x, None, weights), verbose=0).history
    expected = flow.evaluate(x, sample_weight=weights, verbose=0, return_dict=True)
    np.testing.assert_allclose(history["val_loss"][0], expected["loss"], rtol=1e-6)
    unweighted = flow.evaluate(x, verbose=0, return_dict=True)
    assert abs(unweighted["loss"] - expected["loss"]) > 1e-3


def test_evaluation_needs_no_optimizer():
    flow, x = flows.trained("nice"), flows.images(24)
    flow.compile(None)
    loss = flow.evaluate(x, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(loss, -np.mean(flow.log_prob(x)), rtol=1e-5)
