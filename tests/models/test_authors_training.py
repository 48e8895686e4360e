"""The authors' starts, and RealNVP's penalty: in training's loss, once, and nowhere else."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows
from tfflows import bijectors

X = flows.images(8, (4, 4, 3), bins=256)
L2 = 0.7


def nice(**options):
    return tfflows.NICE.preset("cifar10", event_shape=(4, 4, 3), width=7, **options)


def realnvp(**options):
    small = {"event_shape": (4, 4, 3), "levels": 2, "depth": 1, "width": 4, "blocks": 1}
    return tfflows.RealNVP.preset("cifar10", **{**small, "l2": L2, **options})


def couplings(flow):
    """The couplings of a flow, those of checkerboards first."""
    parts = flow.distribution.bijector.submodules
    found = [part for part in parts if isinstance(part, bijectors.Coupling)]
    masked = [c for c in found if isinstance(c.partition, bijectors.Mask)]
    return masked, [c for c in found if c not in masked]


def test_nice_starts_as_its_authors_do():
    keras.utils.set_random_seed(0)
    flow = nice()
    assert flow.initialized  # nothing starts from data
    flow.initialize(X)
    *inner, scale = flow.trainable_variables
    kernels = [v.numpy() for v in inner if v.name == "kernel"]
    assert len(kernels) == 8 + 14
    for kernel in kernels:
        assert 0.007 < abs(kernel).max() <= 0.01 and abs(kernel).mean() == pytest.approx(
            0.005, abs=0.0015
        )
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels)
    assert all(not np.any(v) for v in [scale, *inner] if v.name != "kernel")


def test_nice_starts_from_data_otherwise():
    flow = nice(zero_init=True)
    assert not flow.initialized
    flow.initialize(X)
    z = flow.encode(X).numpy()
    np.testing.assert_allclose((z**2).mean(axis=0), np.ones(48), rtol=1e-4)


def test_realnvp_starts_as_its_authors_do():
    masked, others = couplings(realnvp())
    assert (len(masked), len(others)) == (1 + 2, 1)
    assert [float(c.transform.scale) for c in masked] == [0.0] * 3
    assert [float(c.transform.scale) for c in others] == [1.0]
    assert all(np.any(c.conditioner.conv_out.magnitude) for c in (*masked, *others))


def squares(flow):
    """What the penalty is on, by hand: lengths of filters in networks, scales of checkerboards."""
    masked, others = couplings(flow)
    total = sum(float(c.transform.scale) ** 2 for c in masked)
    for coupling in (*masked, *others):
        network = coupling.conditioner
        second = network.convs[1::2]  # of each block
        for conv in (*second, *network.skips, network.conv_out):
            total += float(np.sum(np.square(conv.magnitude)))
    return total


def test_the_penalty_is_in_the_training_loss_only():
    flow = flows.randomize(realnvp())
    flow.compile(keras.optimizers.SGD(0.0))
    expected = L2 * squares(flow)
    assert expected > 5
    y = tf.constant([-1.0, -2.0])
    loss, evaluated = (flow.compute_loss(y_pred=y, training=told) for told in (True, False))
    np.testing.assert_allclose(loss, 1.5 + expected, rtol=1e-5)
    np.testing.assert_allclose(evaluated, 1.5, rtol=1e-6)
    results = flow.evaluate(X, verbose=0, return_dict=True)
    np.testing.assert_allclose(results["loss"], results["bits_per_dim"] * 48 * np.log(2), rtol=1e-5)
    trained = flow.train_on_batch(X, return_dict=True)
    nats = float(trained["bits_per_dim"]) * 48 * np.log(2)
    np.testing.assert_allclose(trained["loss"], nats + expected, rtol=1e-5)


def step(l2, strategy=None):
    """The weights by path before and after a step of SGD at rate 1e-3."""
    keras.utils.set_random_seed(0)
    with (strategy or tf.distribute.get_strategy()).scope():
        flow = flows.randomize(realnvp(l2=l2, batch_norm=strategy is None))
        flow.compile(keras.optimizers.SGD(1e-3), jit_compile=False)
    before = [v.numpy() for v in flow.trainable_variables]
    loss = flow.fit(X, batch_size=8, verbose=0, shuffle=False).history["loss"][0]
    after = [v.numpy() for v in flow.trainable_variables]
    return flow, before, after, loss


def test_its_gradient_is_twice_the_variables():
    flow, before, after, _ = step(L2)
    _, again, plain, _ = step(0.0)
    scales = {id(c.transform.scale) for c in couplings(flow)[0]}
    touched = 0
    for v, old, same, new, without in zip(
        flow.trainable_variables, before, again, after, plain, strict=True
    ):
        np.testing.assert_array_equal(old, same)
        counts = v.name == "magnitude" or id(v.value) in scales
        touched += counts
        np.testing.assert_allclose(
            new - without, -1e-3 * 2 * L2 * old * counts, atol=2e-6, err_msg=v.path
        )
    assert touched == 4 * 4 + 3  # of each network a block's second, two skips and the last


def test_two_replicas_count_it_once(two_replicas):
    one, _, expected, loss = step(L2, tf.distribute.OneDeviceStrategy("/cpu:0"))
    two, _, weights, together = step(L2, two_replicas)
    np.testing.assert_allclose(together, loss, rtol=1e-5)
    assert L2 * squares(one) > 5  # a second count would show
    for ours, theirs, v in zip(weights, expected, two.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=v.path)


def test_the_penalty_is_saved_with_the_model(tmp_path):
    realnvp().save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    assert loaded.l2 == L2
    loss = loaded.compute_loss(y_pred=tf.zeros([1]), training=True)
    np.testing.assert_allclose(loss, L2 * squares(loaded), rtol=1e-5)
