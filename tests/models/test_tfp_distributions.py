"""`Flow` over distributions that are not ours: every variable is found, tracked and trained."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tfflows import bijectors

tfd, tfb = tfp.distributions, tfp.bijectors
X = np.random.default_rng(0).standard_normal((64, 4)).astype(np.float32) * [1, 2, 3, 4]


class Net(keras.Model):
    """A network as `tfb.RealNVP` calls it."""

    def __init__(self, units):
        super().__init__()
        self._allow_non_tensor_positional_args = True  # Keras refuses output_units otherwise
        self.hidden = keras.layers.Dense(8, activation="tanh")
        self.out = keras.layers.Dense(2 * units)

    def call(self, x, output_units=None, **kwargs):
        return tf.split(self.out(self.hidden(x)), 2, axis=-1)


def base():
    return tfd.MultivariateNormalDiag(tf.zeros(4), tf.ones(4))


def masked_autoregressive():
    network = tfb.AutoregressiveNetwork(2, hidden_units=[8], activation="tanh")
    return tfd.TransformedDistribution(base(), tfb.MaskedAutoregressiveFlow(network)), 4


def real_nvp_of_a_model():
    return tfd.TransformedDistribution(base(), tfb.RealNVP(2, shift_and_log_scale_fn=Net(2))), 4


def real_nvp_of_a_closure():
    net = Net(2)

    def shift_and_log_scale(x, output_units, **kwargs):
        return net(x)

    return tfd.TransformedDistribution(
        base(), tfb.RealNVP(2, shift_and_log_scale_fn=shift_and_log_scale)
    ), 4


def real_nvp_of_a_method():
    net = Net(2)
    return tfd.TransformedDistribution(base(), tfb.RealNVP(2, shift_and_log_scale_fn=net.call)), 4


NETWORK = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(4)])


def real_nvp_of_a_global():
    def shift_and_log_scale(x, output_units, **kwargs):
        return tf.split(NETWORK(x), 2, axis=-1)

    bijector = tfb.RealNVP(2, shift_and_log_scale_fn=shift_and_log_scale)
    return tfd.TransformedDistribution(base(), bijector), 2


def real_nvp_of_a_partial():
    def shift_and_log_scale(nets, x, output_units, **kwargs):
        return nets["first"](x)

    function = functools.partial(shift_and_log_scale, {"first": Net(2)})
    return tfd.TransformedDistribution(base(), tfb.RealNVP(2, shift_and_log_scale_fn=function)), 4


def lazy_within_ours():
    network = tfb.AutoregressiveNetwork(2, hidden_units=[8], activation="tanh")
    layers = [bijectors.ActNorm((4,)), tfb.MaskedAutoregressiveFlow(network)]
    return tfd.TransformedDistribution(base(), bijectors.Composite(layers)), 6


def chain_of_ours():
    chain = tfb.Chain(
        [
            bijectors.ActNorm((4,)),
            bijectors.SplitCoupling((4,), keras.layers.Dense(4), "exp"),
            tfb.Scale(tf.Variable(tf.ones(4))),
            tfb.Chain([bijectors.Permute((4,)), bijectors.DiagonalScale((4,))]),
        ]
    )
    return tfd.TransformedDistribution(base(), chain), 2 + 2 + 1 + 1


def mixture():
    components = tfd.MultivariateNormalDiag(
        tf.Variable(tf.random.normal([3, 4])), tf.Variable(tf.ones([3, 4]))
    )
    return tfd.MixtureSameFamily(tfd.Categorical(logits=tf.Variable(tf.zeros(3))), components), 3


def learned_base():
    normal = tfd.MultivariateNormalDiag(tf.Variable(tf.ones(4)), tf.Variable(tf.ones(4)))
    return tfd.TransformedDistribution(normal, tfb.Shift(tf.Variable(tf.ones(4)))), 3


MAKERS = [
    masked_autoregressive,
    real_nvp_of_a_model,
    real_nvp_of_a_closure,
    real_nvp_of_a_method,
    real_nvp_of_a_global,
    real_nvp_of_a_partial,
    lazy_within_ours,
    chain_of_ours,
    mixture,
    learned_base,
]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_every_variable_is_tracked_and_trained(make):
    distribution, count = make()
    flow = tfflows.Flow(distribution)
    assert len(flow.trainable_variables) == count
    assert len({id(v.value) for v in flow.variables}) == len(flow.variables)
    flow.compile(keras.optimizers.Adam(1e-2))
    before = [v.numpy() for v in flow.trainable_variables]
    first = flow.evaluate(X, verbose=0)[0]
    flow.fit(X, epochs=3, verbose=0)
    for old, variable in zip(before, flow.trainable_variables, strict=True):
        assert np.any(old != variable.numpy()), variable.path
    assert flow.evaluate(X, verbose=0)[0] < first
    np.testing.assert_allclose(
        flow.log_prob(X), distribution.log_prob(X.astype("float32")), rtol=1e-4
    )
    assert flow.sample(3, seed=1).shape == (3, 4)


@pytest.mark.parametrize("make", [masked_autoregressive, chain_of_ours], ids=["maf", "chain"])
def test_tfp_sees_the_same_variables(make):
    distribution, count = make()
    flow = tfflows.Flow(distribution)
    assert len(distribution.trainable_variables) == count
    ours = {v.ref() for v in (v.value for v in flow.trainable_variables)}
    assert {v.ref() for v in distribution.trainable_variables} == ours


@pytest.mark.parametrize("make", [masked_autoregressive, chain_of_ours, learned_base])
def test_latents_and_back(make):
    flow = tfflows.Flow(make()[0])
    x = X[:5].astype("float32")
    z = flow.encode(x)
    assert z.shape == (5, 4) and flow.latent_shape == (4,)
    np.testing.assert_allclose(flow.decode(z), x, atol=1e-4)
    np.testing.assert_allclose(flow.sample(3, seed=4), flow.sample(3, seed=4))
    assert np.ptp(flow.sample(8, temperature=0.0), axis=0).max() < 1e-4


def test_a_chain_of_ours_starts_from_the_first_batch_in_one_evaluation():
    flow = tfflows.Flow(chain_of_ours()[0])
    assert not flow.initialized
    flow.initialize(X)
    assert flow.initialized
    z = flow.encode(X)
    np.testing.assert_allclose(np.mean(np.square(z), axis=0), np.ones(4), rtol=1e-3)


def test_weights_of_tfp_networks_are_saved(tmp_path):
    flow, other = (tfflows.Flow(masked_autoregressive()[0]) for _ in range(2))
    flow.save_weights(tmp_path / "maf.weights.h5")
    other.load_weights(tmp_path / "maf.weights.h5")
    np.testing.assert_allclose(other.log_prob(X), flow.log_prob(X), rtol=1e-6)


def test_no_latents_without_a_base():
    flow = tfflows.Flow(mixture()[0])
    assert flow.latent_shape is None
    for call in (lambda: flow.encode(X), lambda: flow.decode(X), lambda: flow.sample(1, 0.5)):
        with pytest.raises(ValueError, match="Expected a TransformedDistribution for .* Received"):
            call()
