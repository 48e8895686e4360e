"""Couplings: what passes, what the conditioner sees and is told, and each law by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance import conditioners
from tfflows import bijectors as tfb

IMAGE = (2, 2, 4)


def data(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def constant(*values):
    """A conditioner that gives the same parameters for every datum."""
    return lambda inputs: tf.tile(tf.constant([values], tf.float64), [tf.shape(inputs)[0], 1])


def sigmoid(r):
    return 1 / (1 + np.exp(-r))


@pytest.mark.parametrize(
    ("transform", "expected", "slope"),
    [
        ("exp", lambda x, p, q: (x + p) * np.exp(q), np.exp),
        ("sigmoid", lambda x, p, q: (x + p) * sigmoid(q + 2), lambda q: sigmoid(q + 2)),
        ("tanh", lambda x, p, q: (x + p) * np.exp(np.tanh(q)), lambda q: np.exp(np.tanh(q))),
        ("bounded", lambda x, p, q: (x + p) * 2 * sigmoid(q), lambda q: 2 * sigmoid(q)),
        ("gaussian", lambda x, p, q: (x - p) / np.exp(q), lambda q: np.exp(-q)),
    ],
)
def test_the_laws_by_hand(transform, expected, slope):
    """First all the shifts (means), then all the log-scales."""
    x, p, q = data(3, 4), np.array([0.3, -0.4]), np.array([0.7, -1.1])
    bijector = tfb.SplitCoupling((4,), constant(*p, *q), transform, dtype=tf.float64)
    z, log_det = bijector.inverse_and_log_det(x)
    np.testing.assert_array_equal(z[:, :2], x[:, :2])
    np.testing.assert_allclose(z[:, 2:], expected(x[:, 2:], p, q))
    np.testing.assert_allclose(log_det, [np.log(slope(q)).sum()] * 3)


def test_additive_by_hand():
    x = data(3, 4)
    bijector = tfb.SplitCoupling((4,), constant(0.3, -0.4), "additive", dtype=tf.float64)
    z, log_det = bijector.inverse_and_log_det(x)
    np.testing.assert_allclose(z, x + [0, 0, 0.3, -0.4])
    assert log_det.shape == () and log_det == 0


def test_the_trainable_scale_of_tanh():
    transform = tfb.AffineTanh(0.5, dtype=tf.float64)
    bijector = tfb.SplitCoupling((2,), constant(0, 0.8), transform, dtype=tf.float64)
    assert bijector.trainable_variables == (transform.scale,)
    np.testing.assert_allclose(bijector.inverse_and_log_det(data(1, 2))[1], [0.5 * np.tanh(0.8)])
    transform.scale.assign(2.0)
    np.testing.assert_allclose(bijector.inverse_and_log_det(data(1, 2))[1], [2 * np.tanh(0.8)])


@pytest.mark.parametrize(("swap", "size"), [(False, None), (True, None), (False, 1), (True, 3)])
def test_split_keeps_one_part_and_shows_it_to_the_conditioner(swap, size):
    x, seen = data(3, 4), []
    first = size or 2
    kept = slice(first, 4) if swap else slice(0, first)
    changed = slice(0, first) if swap else slice(first, 4)

    def conditioner(inputs):
        seen.append(inputs)
        return tf.ones([3, 2 * len(range(4)[changed])], tf.float64)

    bijector = tfb.SplitCoupling((4,), conditioner, "exp", swap=swap, size=size, dtype=tf.float64)
    z = bijector.inverse(x)
    np.testing.assert_array_equal(seen[0], x[:, kept])
    np.testing.assert_array_equal(z[:, kept], x[:, kept])
    np.testing.assert_allclose(z[:, changed], (x[:, changed] + 1) * np.e)


def test_mask_keeps_its_ones_and_hides_its_zeros():
    x, seen, mask = data(3, *IMAGE), [], tfb.checkerboard_mask(IMAGE)

    def conditioner(inputs):
        seen.append(inputs)
        return tf.concat([tf.ones_like(inputs), 2 * tf.ones_like(inputs)], axis=-1)

    bijector = tfb.MaskedCoupling(IMAGE, conditioner, "exp", mask, dtype=tf.float64)
    z, log_det = bijector.inverse_and_log_det(x)
    np.testing.assert_array_equal(seen[0], x * mask)
    np.testing.assert_allclose(z, x * mask + (x + 1) * np.exp(2) * (1 - mask))
    np.testing.assert_allclose(log_det, [8 * 2.0] * 3)  # 8 of the 16 elements are changed


def test_a_mask_of_zeros_makes_learned_constants():
    net = conditioners.make("module", tfb.Mask((3,), 0), 2, dtype=tf.float64)
    top = tfb.MaskedCoupling((3,), net, "gaussian", 0, dtype=tf.float64)
    mean, log_sigma = np.split(net(tf.zeros([1, 3], tf.float64))[0], 2)
    x = data(4, 3)
    z, log_det = top.inverse_and_log_det(x)
    np.testing.assert_allclose(z, (x - mean) / np.exp(log_sigma))
    np.testing.assert_allclose(log_det, [-log_sigma.sum()] * 4)


def test_masks():
    np.testing.assert_array_equal(tfb.checkerboard_mask((5,)), [1, 0, 1, 0, 1])
    np.testing.assert_array_equal(tfb.checkerboard_mask((5,), odd=True), [0, 1, 0, 1, 0])
    mask = tfb.checkerboard_mask((2, 3, 7))
    assert mask.shape == (2, 3, 1)
    np.testing.assert_array_equal(mask[..., 0], [[1, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(tfb.checkerboard_mask((2, 3, 7), odd=True), 1 - mask)
    np.testing.assert_array_equal(tfb.channel_mask(IMAGE), [1, 1, 0, 0])
    np.testing.assert_array_equal(tfb.channel_mask(IMAGE, swap=True), [0, 0, 1, 1])


def test_a_channel_mask_equals_halves():
    x, partition = data(3, *IMAGE), tfb.Halves(IMAGE)
    net = conditioners.make("function", partition, 2, dtype=tf.float64)
    split = tfb.SplitCoupling(IMAGE, net, "exp", dtype=tf.float64)

    def wide(inputs):
        t, r = tf.split(net(inputs[..., :2]), 2, axis=-1)
        zeros = tf.zeros_like(t)
        return tf.concat([zeros, t, zeros, r], axis=-1)

    masked = tfb.MaskedCoupling(IMAGE, wide, "exp", tfb.channel_mask(IMAGE), dtype=tf.float64)
    for one, other in zip(split.inverse_and_log_det(x), masked.inverse_and_log_det(x), strict=True):
        np.testing.assert_allclose(one, other)


def test_parameters_in_kept_places_change_nothing():
    mask = np.array([1.0, 0.0])
    bijector = tfb.MaskedCoupling((2,), constant(9, 0.5, 9, 0.1), "exp", mask, dtype=tf.float64)
    other = tfb.MaskedCoupling((2,), constant(0, 0.5, 0, 0.1), "exp", mask, dtype=tf.float64)
    x = data(3, 2)
    for one, two in zip(bijector.inverse_and_log_det(x), other.inverse_and_log_det(x), strict=True):
        np.testing.assert_array_equal(one, two)


class Told(tf.Module):
    """Records what it is given."""

    def __init__(self):
        super().__init__()
        self.seen, self.started = [], False

    def __call__(self, inputs, condition=None, training=None):
        self.seen.append((inputs.shape, None if condition is None else condition.shape, training))
        return tf.zeros([tf.shape(inputs)[0], 2, 2, 4], inputs.dtype)

    def initialize(self, inputs, condition=None):
        self.started = True
        return self(inputs, condition) + 1.0


def test_the_conditioner_sees_one_batch_axis_the_condition_and_training():
    told = Told()
    bijector = tfb.SplitCoupling(IMAGE, told, "exp")
    for batch, flat in (((), 1), ((5,), 5), ((2, 3), 6), ((2, 1, 3), 6)):
        for training in (False, True):
            told.seen.clear()
            bijector.inverse_and_log_det(
                tf.zeros([*batch, *IMAGE]), condition=tf.zeros([*batch, 7]), training=training
            )
            assert told.seen == [((flat, 2, 2, 2), (flat, 7), training)]


def test_one_that_does_not_take_training_is_not_told():
    bijector = tfb.SplitCoupling((2,), lambda inputs: tf.zeros([len(inputs), 2]), "exp")
    bijector.inverse_and_log_det(tf.zeros([3, 2]), training=True)


def test_the_start_from_data_reaches_the_conditioner():
    told = Told()
    bijector = tfb.Composite([tfb.Rescale(IMAGE), tfb.SplitCoupling(IMAGE, told, "exp")])
    x = tf.zeros([3, *IMAGE])
    z = bijector.initialize(x, condition=tf.zeros([3, 7]))
    assert told.started and told.seen[0][1] == (3, 7)
    np.testing.assert_allclose(z[..., 2:], np.full((3, 2, 2, 2), np.e), rtol=1e-6)
    assert not bijector.inverse(tf.identity(x)).numpy().any()


def test_an_unbuilt_keras_layer_is_built_and_its_variables_found():
    layer = keras.layers.Dense(4)
    bijector = tfb.SplitCoupling((4,), layer, "exp")
    assert layer.built
    found = {variable.ref() for variable in bijector.trainable_variables}
    assert found == {layer.kernel.value.ref(), layer.bias.value.ref()}
    assert tfb.Composite([bijector]).trainable_variables == bijector.trainable_variables


def test_a_conditioner_of_another_dtype_is_cast():
    """A mixed-precision network gives its output in half precision."""
    layer = keras.layers.Dense(4, dtype="mixed_bfloat16")
    bijector = tfb.SplitCoupling((4,), layer, "exp")
    z, log_det = bijector.inverse_and_log_det(tf.ones([3, 4]))
    assert z.dtype == log_det.dtype == tf.float32


def test_parameters_of_kept_places_cannot_overflow():
    def conditioner(kept):
        return tf.tile([[0.0, 0.0, 100.0, 0.1]], [len(kept), 1])

    coupling = tfb.MaskedCoupling((2,), conditioner, "exp", [1, 0])
    z, log_det = coupling.inverse_and_log_det(tf.ones([1, 2]))
    np.testing.assert_allclose(z, [[1.0, np.exp(0.1)]], rtol=1e-6)
    np.testing.assert_allclose(log_det, [0.1], rtol=1e-6)


@pytest.mark.parametrize("kind", ["coupling", "split", "masked"])
def test_an_unconditional_coupling_gives_its_conditioner_no_condition(kind):
    """Nor one that fits nothing, in either direction, at the start and going backwards."""
    given, x = [], data(3, 4)

    def conditioner(inputs, **kwargs):
        given.append(kwargs)
        return tf.concat([inputs, 0.1 * inputs], axis=-1)

    options = {"conditional": False, "dtype": tf.float64}
    make = {
        "coupling": lambda: tfb.Coupling(conditioner, "exp", tfb.Halves((4,)), **options),
        "split": lambda: tfb.SplitCoupling((4,), conditioner, "exp", **options),
        "masked": lambda: tfb.MaskedCoupling((4,), conditioner, "exp", [1, 0, 1, 0], **options),
    }[kind]
    composite = tfb.Composite([make()], recompute=True)
    condition = tf.zeros([7])
    composite.initialize(x, condition=condition)
    composite.forward_and_log_det(x, condition=condition)
    with tf.GradientTape() as tape:
        tape.watch([x, condition])
        z, _ = composite.inverse_and_log_det(x, condition=condition)
    dx, dcondition = tape.gradient(z, [x, condition])
    assert given == [{}] * 4 and np.any(dx) and dcondition is None
