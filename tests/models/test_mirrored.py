"""Training on replicas is training on one device: two and four CPUs, the same global batches."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import mirrored

TOLERANCE = 1e-5  # of losses, relative; near zero, of the curve's largest


def assert_same_curves(one, several):
    assert set(several) == set(one)
    for name, expected in one.items():
        floor = TOLERANCE * 0.1 * np.abs(expected).max()
        np.testing.assert_allclose(
            several[name], expected, rtol=TOLERANCE, atol=floor, err_msg=name
        )


def assert_same_states(strategy, one, several, rtol=1e-4, atol=1e-5):
    """On all replicas bit for bit, and near those of one device."""
    pairs = zip(mirrored.state(one), mirrored.state(several), strict=True)
    for (_, expected), (path, value) in pairs:
        first, *others = (v.numpy() for v in strategy.experimental_local_results(value))
        assert len(others) == strategy.num_replicas_in_sync - 1
        for other in others:
            np.testing.assert_array_equal(other, first, err_msg=path)
        np.testing.assert_allclose(first, expected, rtol=rtol, atol=atol, err_msg=path)


def check(name, optimizer, count):
    one, several = mirrored.alone(name, optimizer), mirrored.trained(name, optimizer, count)
    for ours, theirs in zip(several.start, one.start, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(one.history["loss"]) >= 5 and not any(one.history["skipped_steps"])
    assert_same_curves(one.history, several.history)
    atol = mirrored.CASES[name].atol
    assert_same_states(mirrored.strategy(count), one.flow, several.flow, atol=atol)
    assert int(several.flow.optimizer.iterations.numpy()) == mirrored.STEPS
    np.testing.assert_array_equal(several.flow.optimizer.learning_rate.numpy(), np.float32(1e-3))


# Every case on two and on four devices, but those that take long to build on four.
LONG = {"realnvp", "equal couplings", "recomputed", "recomputed glow"}
SUITE = [
    *((name, "adam", 2) for name in mirrored.CASES),
    *((name, "sgd", 4) for name in mirrored.CASES if name not in LONG),
]
OTHERS = sorted({*itertools.product(mirrored.CASES, mirrored.MADE, (2, 4))} - {*SUITE})


@pytest.mark.parametrize(("name", "optimizer", "count"), SUITE)
def test_replicas_are_one_device(name, optimizer, count):
    check(name, optimizer, count)


@pytest.mark.deep
@pytest.mark.parametrize(("name", "optimizer", "count"), OTHERS)
def test_replicas_are_one_device_in_every_case(name, optimizer, count):
    check(name, optimizer, count)


def made(count, optimizer, name="nice", **compiled):
    keras.utils.set_random_seed(0)
    with mirrored.strategy(count).scope():
        flow = mirrored.CASES[name].make()
        flow.compile(optimizer(), jit_compile=False, **compiled)
    return flow


@pytest.mark.parametrize(("count", "examples"), [(2, mirrored.UNEVEN), (4, mirrored.EMPTY)])
def test_arrays_with_weights(count, examples):
    """In `fit`, `evaluate` and `predict`, with a last batch that replicas share unequally."""
    x, weights = mirrored.points(examples), mirrored.weights(examples)
    runs = []
    for devices in (1, count):
        flow = made(devices, lambda: keras.optimizers.Adam(1e-3))
        options = {"sample_weight": weights, "batch_size": 8, "verbose": 0}
        fitted = flow.fit(
            x,
            epochs=3,
            shuffle=False,
            validation_data=(x, weights, weights),
            validation_freq=3,
            **options,
        )
        evaluated = flow.evaluate(x, return_dict=True, **options)
        runs.append((flow, fitted.history, evaluated, flow.predict(x, batch_size=8, verbose=0)))
    (one, history, evaluated, predicted), (several, *found) = runs
    assert_same_curves(history, found[0])
    assert_same_curves(evaluated, found[1])
    np.testing.assert_allclose(history["val_loss"], [evaluated["loss"]], rtol=1e-6)
    np.testing.assert_allclose(found[2], predicted, rtol=TOLERANCE)
    assert found[2].shape == (examples,)
    assert_same_states(mirrored.strategy(count), one, several)
    log_prob = predicted.astype(np.float64)
    np.testing.assert_allclose(evaluated["loss"], -np.mean(log_prob * weights), rtol=1e-6)


def test_a_step_is_that_of_one_device():
    """Without momentum its change is the rate times the gradient: both are those of one device."""
    x, changes = mirrored.points(7), []
    for count in (1, 2, 4):
        flow = made(count, lambda: keras.optimizers.SGD(0.1))
        before = [v.numpy() for v in flow.trainable_variables]
        flow.fit(tf.data.Dataset.from_tensors(x), verbose=0)
        after = [v.numpy() for v in flow.trainable_variables]
        changes.append([new - old for new, old in zip(after, before, strict=True)])
        assert np.float32(flow.optimizer.learning_rate.numpy()) == np.float32(0.1)
    assert max(np.abs(change).max() for change in changes[0]) > 1e-2
    for one, *others in zip(*changes, strict=True):
        for other in others:
            np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)


class Steps(keras.callbacks.Callback):
    """The loss in the logs of every step."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


def test_the_loss_in_the_logs_of_steps():
    """Of all replicas, of which one had no example."""
    losses = []
    for count in (1, 2):
        steps = Steps()
        flow = made(count, lambda: keras.optimizers.SGD(1e-3))
        data = mirrored.CASES["nice"].batches(mirrored.EMPTY)
        flow.fit(data.skip(2).concatenate(data), verbose=0, callbacks=[steps])
        losses.append(steps.losses)
    assert len(losses[0]) == 4
    np.testing.assert_allclose(losses[1], losses[0], rtol=TOLERANCE)


def test_losses_that_are_scaled_by_what_they_allow():
    def optimizer():
        inner = keras.optimizers.Adam(1e-3, global_clipnorm=0.1)
        return keras.optimizers.LossScaleOptimizer(inner, dynamic_growth_steps=3)

    runs, data = [], mirrored.CASES["nice"].batches(mirrored.EMPTY)
    for count in (1, 2):
        flow = made(count, optimizer)
        runs.append((flow, flow.fit(data, epochs=3, verbose=0).history))
    assert_same_curves(runs[0][1], runs[1][1])
    assert_same_states(mirrored.strategy(2), runs[0][0], runs[1][0])
    assert float(runs[1][0].optimizer.dynamic_scale.numpy()) == 2.0 ** (15 + 3)


@pytest.mark.parametrize("wrapped", [lambda inner: inner, keras.optimizers.LossScaleOptimizer])
def test_gradients_that_would_be_accumulated_are_refused(wrapped):
    message = "accumulates no gradients, .* Received: gradient_accumulation_steps=3"
    with pytest.raises(ValueError, match=message):
        made(2, lambda: wrapped(keras.optimizers.Adam(gradient_accumulation_steps=3)))
