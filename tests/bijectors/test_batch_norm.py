"""BatchNorm: which moments it takes, when it moves them, and the gradient through them."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import bijectors as tfb

IMAGE = (2, 3, 2)
EPSILON = 1e-3
MASK = tfb.checkerboard_mask(IMAGE)


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape) * 2.0 + 1.5


def expected_inverse(x, mean, variance, changed):
    z = np.where(changed == 1, (x - mean) / np.sqrt(variance + EPSILON), x)
    log_det = -0.5 * (np.log(variance + EPSILON) * np.broadcast_to(changed, x.shape[1:])).sum()
    return z, log_det


def whole():
    return tfb.BatchNorm(IMAGE, epsilon=EPSILON, dtype=tf.float64)


def masked():
    partition = tfb.Mask(IMAGE, MASK)
    return tfb.BatchNorm(IMAGE, partition, epsilon=EPSILON, dtype=tf.float64)


@pytest.mark.parametrize(("make", "changed"), [(whole, np.ones(())), (masked, 1 - MASK)])
def test_training_takes_the_moments_of_the_batch_and_moves_the_others(make, changed):
    layer, x = make(), data(5, *IMAGE)
    z, log_det = layer.inverse_and_log_det(x, training=True)
    mean = (x * changed).mean(axis=(0, 1, 2))  # the zeros of the mask count, as in RealNVP
    variance = (x * changed).var(axis=(0, 1, 2))
    expected, expected_log_det = expected_inverse(x, mean, variance, changed)
    np.testing.assert_allclose(z, expected)
    np.testing.assert_allclose(log_det, expected_log_det)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean)
    np.testing.assert_allclose(layer.moving_variance, 1 + 0.1 * (variance - 1))
    layer.inverse_and_log_det(x, training=True)
    np.testing.assert_allclose(layer.moving_mean, 0.19 * mean)


@pytest.mark.parametrize(("make", "changed"), [(whole, np.ones(())), (masked, 1 - MASK)])
def test_evaluation_takes_the_moving_moments(make, changed):
    layer, x = make(), data(5, *IMAGE)
    layer.moving_mean.assign([0.5, -1.0])
    layer.moving_variance.assign([2.0, 0.3])
    z, log_det = layer.inverse_and_log_det(x)
    expected, expected_log_det = expected_inverse(x, [0.5, -1], np.array([2, 0.3]), changed)
    np.testing.assert_allclose(z, expected)
    np.testing.assert_allclose(log_det, expected_log_det)
    np.testing.assert_allclose(layer.forward_and_log_det(z)[0], x)


@pytest.mark.parametrize("swap", [False, True])
def test_halves_normalize_the_changed_channels(swap):
    x = data(8, 4)
    layer = tfb.BatchNorm((4,), tfb.Halves((4,), swap=swap), epsilon=1e-9, dtype=tf.float64)
    z, _ = layer.inverse_and_log_det(x, training=True)
    changed, kept = (slice(0, 2), slice(2, 4)) if swap else (slice(2, 4), slice(0, 2))
    np.testing.assert_array_equal(z[:, kept], x[:, kept])
    np.testing.assert_allclose(np.mean(z[:, changed], axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.std(z[:, changed], axis=0), 1, atol=1e-7)


def test_momentum_is_the_share_of_the_old():
    layer, x = tfb.BatchNorm((4,), momentum=0.6, dtype=tf.float64), data(8, 4)
    layer.inverse_and_log_det(x, training=True)
    np.testing.assert_allclose(layer.moving_mean, 0.4 * x.mean(axis=0))


def test_initialize_takes_the_moments_of_its_batch():
    layer, x = masked(), data(5, *IMAGE)
    z = layer.initialize(tf.constant(x))
    changed = 1 - MASK
    np.testing.assert_allclose(layer.moving_mean, (x * changed).mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(layer.moving_variance, (x * changed).var(axis=(0, 1, 2)))
    np.testing.assert_allclose(z, layer.inverse(tf.constant(x)))


def test_the_gradient_flows_through_the_moments_of_the_batch():
    layer, x = whole(), tf.constant(data(5, *IMAGE))
    with tf.GradientTape() as tape:
        tape.watch(x)
        z, _ = layer.inverse_and_log_det(x, training=True)
        total = tf.reduce_sum(z)  # 0 for any x, since the mean of the batch is taken away
    np.testing.assert_allclose(tape.gradient(total, x), 0, atol=1e-12)
    with tf.GradientTape() as tape:
        tape.watch(x)
        _, log_det = layer.inverse_and_log_det(x, training=True)
    centered = x - tf.reduce_mean(x, [0, 1, 2])
    variance = tf.reduce_mean(centered**2, [0, 1, 2])
    expected = -6 / 2 * 2 * centered / (5 * 6) / (variance + EPSILON)
    np.testing.assert_allclose(tape.gradient(log_det, x), expected)


def test_the_gradient_flows_through_the_moments_of_all_replicas(two_replicas):
    def flow():
        scale = tfb.DiagonalScale((4,), dtype=tf.float64)
        return tfb.Composite([scale, tfb.BatchNorm((4,), dtype=tf.float64)])

    def gradient(layers, x, weights):
        with tf.GradientTape() as tape:
            z, log_det = layers.inverse_and_log_det(x, training=True)
            loss = tf.reduce_sum(weights * z**3) - len(x) * log_det
        return tape.gradient(loss, layers.trainable_variables[0])

    x, weights = tf.constant(data(6, 4)), tf.constant(data(6, 4, seed=1))
    with two_replicas.scope():
        mirrored = flow()

    @tf.function
    def step():
        def replica():
            context = tf.distribute.get_replica_context()
            start = 3 * context.replica_id_in_sync_group
            part = [tf.ensure_shape(v[start : start + 3], [3, 4]) for v in (x, weights)]
            return context.all_reduce("SUM", gradient(mirrored, *part))

        return two_replicas.run(replica)

    expected = gradient(flow(), x, weights)
    np.testing.assert_allclose(two_replicas.experimental_local_results(step())[0], expected)
