"""Glow given class labels: what they do, its classifier, and every way to compute it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows, weights
from tests.reference import networks as reference

CLASSES, CLASS_LOSS, SIZE = 3, 0.05, 16
X, Y = flows.images(24), np.random.default_rng(1).integers(0, CLASSES, 24)


def conditional(**options):
    return flows.trained("glow", **{"classes": CLASSES, "class_loss": CLASS_LOSS, **options})


@pytest.fixture(scope="module")
def flow():
    return conditional()


def top_prior(flow):
    return flow.distribution.bijector.layers[-1].levels[-1].layers[-1]


def cross_entropy(logits, labels):
    logits = logits - logits.max(axis=-1, keepdims=True)
    return np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(labels)), labels]


# What the labels do.


def test_the_label_reaches_the_last_latents_only(flow):
    one, two = (flow.encode(X, np.full(24, k)).numpy() for k in (0, 1))
    top = np.prod(flow.latent_shapes[-1])
    np.testing.assert_array_equal(one[:, :-top], two[:, :-top])
    assert abs(one - two)[:, -top:].min(axis=0).max() > 1e-2


@pytest.mark.parametrize("learn_prior", [False, True])
def test_a_fresh_model_is_that_without_classes(learn_prior):
    conditioned, plain = (
        flows.fresh("glow", learn_prior=learn_prior, classes=classes) for classes in (CLASSES, None)
    )
    for variable, other in zip(_steps(conditioned), _steps(plain), strict=True):
        variable.assign(other)
    x = X.astype(np.float32)
    np.testing.assert_allclose(conditioned.log_prob(x, Y), plain.log_prob(x), rtol=1e-5)


def _steps(flow):
    levels = flow.distribution.bijector.layers[-1].levels
    steps = [layer for level in levels for layer in level.layers if layer.name == "step"]
    return [variable for step in steps for variable in step.variables]


def test_samples_follow_their_labels_and_seed(flow):
    first, second = (flow.sample(4, seed=1, condition=np.full(4, k)).numpy() for k in (0, 1))
    assert abs(first - second).max() > 1e-2
    mixed = flow.sample(4, seed=1, condition=[0, 1, 0, 1]).numpy()
    np.testing.assert_allclose(mixed[::2], first[::2], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mixed[1::2], second[1::2], rtol=1e-5, atol=1e-5)
    back = flow.to_integers(flow.decode(flow.encode(X, Y), Y))
    np.testing.assert_array_equal(back, X)


def test_batches_of_any_rank_and_labels_of_any_integer_type(flow):
    x = X.astype(np.float32)
    expected = flow.log_prob(x, Y).numpy()
    np.testing.assert_allclose(flow.log_prob(x[0], Y[0]), expected[0], rtol=1e-5)
    grid = flow.log_prob(x.reshape(4, 6, 4, 4, 1), Y.reshape(4, 6))
    np.testing.assert_allclose(grid, expected.reshape(4, 6), rtol=1e-5)
    for dtype in (np.uint8, np.int32):
        np.testing.assert_array_equal(flow.log_prob(x, Y.astype(dtype)), expected)


def test_a_label_that_is_none_is_nan_where_xla_drops_the_check(flow):
    log_prob = tf.function(lambda x, y: flow.log_prob(x, y), jit_compile=True, autograph=False)
    labels = np.concatenate([[-1, CLASSES], Y[2:]])
    values = log_prob(tf.constant(X), tf.constant(labels)).numpy()
    assert np.isnan(values[:2]).all() and np.isfinite(values[2:]).all()


# The classifier.


def test_loss_and_logits_are_those_of_the_formula():
    """In bits per dimension: the authors' bits_x + weight_y * bits_y."""
    flow = conditional(dtype="float64")
    flow.compile("sgd")
    z, log_prob = (value.numpy() for value in flow.encode_and_log_prob(X, Y))
    network, shape = top_prior(flow).conditioner, flow.latent_shapes[-1]
    of_class = reference.zero_dense(np.eye(CLASSES)[Y], weights.zero_dense(network.dense))
    params = network.conv(np.zeros((1, *shape))).numpy() + of_class[:, None, None, :]
    mean, log_sigma = np.split(params, 2, axis=-1)
    top = mean + np.exp(log_sigma) * z[:, -np.prod(shape) :].reshape(24, *shape)
    logits = reference.zero_dense(top.mean((1, 2)), weights.zero_dense(flow._classifier))
    assert np.ptp(logits) > 1e-2
    np.testing.assert_allclose(flow.classify(X), logits, rtol=1e-9)
    np.testing.assert_allclose(flow.classify(X[0]), logits[0], rtol=1e-9)
    entropy, bits = cross_entropy(logits, Y), SIZE * np.log(2)
    for given in (None, np.random.default_rng(2).uniform(0, 2, 24)):
        options = {"batch_size": 24, "verbose": 0, "return_dict": True}
        results = flow.evaluate(X, Y, sample_weight=given, **options)
        w = np.ones(24) if given is None else given
        authors = -log_prob / bits + CLASS_LOSS * entropy / np.log(2)
        np.testing.assert_allclose(results["loss"] / bits, np.mean(authors * w), rtol=1e-6)
        bits_x = np.average(-log_prob / bits, weights=w)
        np.testing.assert_allclose(results["bits_per_dim"], bits_x, rtol=1e-6)
        accuracy = np.average(logits.argmax(-1) == Y, weights=w)
        np.testing.assert_allclose(results["class_accuracy"], accuracy, rtol=1e-6)


def test_the_classifier_s_loss_leaves_the_prior_alone(flow):
    with tf.GradientTape() as tape:
        _, logits = flow({"x": tf.constant(X), "labels": tf.constant(Y)}, training=True)
        logit = tf.reduce_sum(logits[:, 0])
    prior = [v.value for v in top_prior(flow).conditioner.trainable_variables]
    shifts = [v.value for v in flow.trainable_variables if v.name == "shift"]
    gradients = tape.gradient(logit, prior + shifts)
    sizes = [0.0 if g is None else np.abs(g).max() for g in gradients]
    assert max(sizes[: len(prior)]) < 1e-4 and max(sizes[len(prior) :]) > 1e-2


def test_it_learns_what_is_to_be_seen():
    labels = np.arange(128) % 2
    x = (flows.images(128) // 6 + np.where(labels == 1, 14, 0)[:, None, None, None]).astype("uint8")
    flow = flows.fresh("glow", levels=1, classes=2, class_loss=1.0)
    flow.compile(keras.optimizers.Adam(1e-2))
    history = flow.fit(x, labels, batch_size=32, epochs=6, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] and history["class_accuracy"][-1] > 0.9
    assert np.mean(flow.classify(x).numpy().argmax(-1) == labels) > 0.9
    assert np.mean(flow.log_prob(x, labels) > flow.log_prob(x, 1 - labels)) > 0.9


# Ways to compute.


def history(strategy=None, **options):
    keras.utils.set_random_seed(0)
    with (strategy or tf.distribute.get_strategy()).scope():
        flow = flows.small("glow", classes=CLASSES, class_loss=CLASS_LOSS, depth=2, **options)
        flow.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    losses = flow.fit(data, epochs=2, verbose=0).history["loss"]
    return [*losses, *flow.evaluate(data, verbose=0)]


@pytest.fixture(scope="module")
def plain():
    return history()


def test_recomputed(plain):
    np.testing.assert_allclose(history(recompute=True), plain, rtol=1e-3)


def test_a_step_compiled_by_xla():
    losses = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        flow = flows.randomize(flows.small("glow", classes=CLASSES, class_loss=CLASS_LOSS))
        flow.compile("sgd", jit_compile=jit_compile)
        losses.append(list(flow.train_on_batch(X, Y, return_dict=True).values()))
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


def test_in_bfloat16(plain):
    np.testing.assert_allclose(history(precision="mixed_bfloat16")[:2], plain[:2], rtol=2e-2)


def test_two_replicas_train_as_one_device(plain, two_replicas):
    np.testing.assert_allclose(history(two_replicas, recompute=True), plain, rtol=1e-3)


def test_a_replica_without_examples(two_replicas):
    with two_replicas.scope():
        flow = flows.small("glow", classes=CLASSES, class_loss=CLASS_LOSS)
        flow.compile("sgd")
    data = tf.data.Dataset.from_tensor_slices((X[:9], Y[:9])).batch(8)
    assert np.isfinite(flow.fit(data, verbose=0).history["loss"]).all()
