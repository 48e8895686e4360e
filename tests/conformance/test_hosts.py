"""Every bijector inside its hosts: graphs, XLA, SavedModels, replicas and TFP's own classes."""

import tensorflow as tf
import tensorflow_probability as tfp

from tests.conformance.cases import Case, case, close, every_row, one_of_each
from tests.conformance.registry import ROWS


def both_pairs(c, **options):
    """Both directions as one tf.function of (x, z, *condition), with unknown batch size."""
    b = c.bijector
    specs = [tf.TensorSpec([None, *shape], c.dtype) for shape in (b.event_shape, b.latent_shape)]
    specs += [tf.TensorSpec([None, 3], c.dtype)] * c.row.condition

    @tf.function(input_signature=specs, **options)
    def call(x, z, *condition):
        return *b.inverse_and_log_det(x, *condition), *b.forward_and_log_det(z, *condition)

    return call


def assert_same_as_eager(c, function, n):
    x, z, condition = c.x(n), c.z(n), c.kwargs(n).values()
    actual = function(x, z, *condition)
    expected = (
        *c.bijector.inverse_and_log_det(x, *condition),
        *c.bijector.forward_and_log_det(z, *condition),
    )
    for one, other in zip(actual, expected, strict=True):
        close(one, other)


@every_row
def test_in_a_graph_with_unknown_batch_size(name):
    c = case(name)
    function = both_pairs(c)
    for n in (1, 3):
        assert_same_as_eager(c, function, n)
    z, inverse_log_det, x, forward_log_det = function.get_concrete_function().structured_outputs
    assert z.shape.as_list() == [None, *c.bijector.latent_shape]
    assert x.shape.as_list() == [None, *c.bijector.event_shape]
    rank = 0 if c.bijector.is_constant_jacobian else 1
    assert inverse_log_det.shape.rank == forward_log_det.shape.rank == rank


@one_of_each
def test_compiled_by_xla(name):
    c = case(name)
    assert_same_as_eager(c, both_pairs(c, jit_compile=True), 2)


@one_of_each
def test_in_a_saved_model(name, tmp_path):
    c = case(name)
    module = tf.Module()
    module.state = c.bijector.variables  # Keras layers are no tf.Modules: the raw variables
    module.both_pairs = both_pairs(c)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert_same_as_eager(c, loaded.both_pairs, 3)


def training_step(c, x, kwargs):
    """Latent, log-det and gradients of a training step on a batch."""
    variables = c.bijector.trainable_variables
    with tf.GradientTape() as tape:
        z, log_det = c.bijector.inverse_and_log_det(x, training=True, **kwargs)
        log_det = tf.broadcast_to(log_det, x.shape[:1])
        loss = tf.reduce_sum(tf.square(z)) / 2 - tf.reduce_sum(log_det)
    unconnected = tf.UnconnectedGradients.ZERO
    return z, log_det, tape.gradient(loss, variables, unconnected_gradients=unconnected)


@one_of_each
def test_two_replicas_equal_one(name, two_replicas):
    strategy, one = two_replicas, Case(ROWS[name])
    with strategy.scope():
        two = Case(ROWS[name])
    x, kwargs = one.x(4), one.kwargs(4)

    @tf.function
    def step():
        def replica():
            context = tf.distribute.get_replica_context()
            start = 2 * context.replica_id_in_sync_group

            def part(value):
                return tf.ensure_shape(value[start : start + 2], [2, *value.shape[1:]])

            *values, gradients = training_step(
                two, part(x), {k: part(v) for k, v in kwargs.items()}
            )
            return *values, [context.all_reduce("SUM", gradient) for gradient in gradients]

        return strategy.run(replica)

    z, log_det, gradients = step()
    expected, expected_log_det, expected_gradients = training_step(one, x, kwargs)
    close(tf.concat(strategy.experimental_local_results(z), 0), expected)
    close(tf.concat(strategy.experimental_local_results(log_det), 0), expected_log_det)
    assert len(two.bijector.variables) == len(one.bijector.variables)
    for actual, wanted in zip(gradients, expected_gradients, strict=True):
        for local in strategy.experimental_local_results(actual):
            close(local, wanted, 1e-4)
    # The moving moments of batch normalization have changed, on both replicas alike.
    for actual, wanted in zip(two.bijector.variables, one.bijector.variables, strict=True):
        for local in strategy.experimental_local_results(actual):
            close(local, wanted)


@every_row
def test_in_a_chain_of_tfp(name):
    c = case(name)
    b, x, z, shift = c.bijector, c.x(2), c.z(2), tf.constant(0.25)
    chain = tfp.bijectors.Chain([b, tfp.bijectors.Shift(shift)])
    kwargs = {b.name: c.kwargs(2)} if c.row.condition else {}
    value, log_det = b.inverse_and_log_det(x, **c.kwargs(2))
    close(chain.inverse(x, **kwargs), value - shift)
    close(chain.inverse_log_det_jacobian(x, len(b.event_shape), **kwargs), log_det)
    value, log_det = b.forward_and_log_det(z + shift, **c.kwargs(2))
    close(chain.forward(z, **kwargs), value)
    close(chain.forward_log_det_jacobian(z, len(b.latent_shape), **kwargs), log_det)
    assert chain.forward_event_shape([5, *b.latent_shape]) == (5, *b.event_shape)


@every_row
def test_inverted_by_tfp(name):
    c = case(name)
    b, x, z, kwargs = c.bijector, c.x(2), c.z(2), c.kwargs(2)
    inverted = tfp.bijectors.Invert(b)
    value, log_det = b.inverse_and_log_det(x, **kwargs)
    close(inverted.forward(x, **kwargs), value)
    close(inverted.forward_log_det_jacobian(x, len(b.event_shape), **kwargs), log_det)
    value, log_det = b.forward_and_log_det(z, **kwargs)
    close(inverted.inverse(z, **kwargs), value)
    close(inverted.inverse_log_det_jacobian(z, len(b.latent_shape), **kwargs), log_det)
    assert inverted.forward_event_shape(b.event_shape) == b.latent_shape


@every_row
def test_in_a_transformed_distribution(name):
    c = case(name)
    b, x, kwargs = c.bijector, c.x(3), {"bijector_kwargs": c.kwargs(3)}
    distribution = c.distribution()
    assert distribution.event_shape == b.event_shape
    assert distribution.batch_shape == ()
    z, log_det = b.inverse_and_log_det(x, **c.kwargs(3))
    log_prob = distribution.log_prob(x, **kwargs)
    assert log_prob.shape == (3,)
    close(log_prob, distribution.distribution.log_prob(z) + log_det)
    draws, log_prob = distribution.experimental_sample_and_log_prob(3, seed=1, **kwargs)
    assert draws.shape == (3, *b.event_shape)
    close(log_prob, distribution.log_prob(tf.identity(draws), **kwargs), 1e-4)


@every_row
def test_samples_are_noise_sent_forward(name):
    c = case(name)
    z, kwargs = c.z(), c.kwargs(2)
    noise = tfp.distributions.Independent(tfp.distributions.Deterministic(z), len(z.shape))
    distribution = tfp.distributions.TransformedDistribution(noise, c.bijector)
    x, _ = c.bijector.forward_and_log_det(tf.stack([z, z]), **kwargs)
    close(distribution.sample(2, bijector_kwargs=kwargs), x)
