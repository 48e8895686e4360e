"""`fit` and its kin on every kind of data, the data-dependent start, replicas and XLA."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows

every_model = pytest.mark.parametrize("name", flows.NAMES)
X = flows.images(24)


def compiled(flow, **options):
    flow.compile(keras.optimizers.Adam(1e-3), **options)
    return flow


def snapshot(flow):
    return [variable.numpy() for variable in flow.variables]


class Batches(keras.utils.PyDataset):
    """Three batches of `X`, the last with labels' shape as they come."""

    def __init__(self, *, labels):
        super().__init__()
        self.labels = labels

    def __len__(self):
        return 3

    def __getitem__(self, index):
        x = X[8 * index : 8 * index + 8]
        return (x, np.zeros(len(x))) if self.labels else (x,)


def generator():
    for index in range(3):
        yield X[8 * index : 8 * index + 8], np.zeros(8)


def forms():
    labels = np.zeros(len(X))
    return {
        "array": lambda: {"x": X, "batch_size": 8},
        "array and labels": lambda: {"x": X, "y": labels, "batch_size": 8},
        "tensor": lambda: {"x": tf.constant(X), "batch_size": 8},
        "tf.data": lambda: {"x": tf.data.Dataset.from_tensor_slices(X).batch(8)},
        "tf.data of pairs": lambda: {"x": tf.data.Dataset.from_tensor_slices((X, labels)).batch(8)},
        "PyDataset": lambda: {"x": Batches(labels=False)},
        "PyDataset of pairs": lambda: {"x": Batches(labels=True)},
        "generator": lambda: {"x": generator(), "steps_per_epoch": 3},
    }


@pytest.mark.parametrize("form", forms())
def test_fit_and_evaluate_take(form):
    def run():
        keras.utils.set_random_seed(0)
        flow = flows.fresh("nice")
        compiled(flow, jit_compile=False)
        history = flow.fit(**forms()[form](), shuffle=False, verbose=0).history
        data = forms()[form]()
        data["steps"] = data.pop("steps_per_epoch", None)
        results = flow.evaluate(**data, verbose=0, return_dict=True)
        return history, results

    if "array" not in _reference:
        keras.utils.set_random_seed(0)
        flow = compiled(flows.fresh("nice"), jit_compile=False)
        history = flow.fit(X, batch_size=8, shuffle=False, verbose=0).history
        _reference["array"] = history, flow.evaluate(X, batch_size=8, verbose=0, return_dict=True)
    history, results = run()
    assert set(history) == {*results, "skipped_steps"} == {"loss", "bits_per_dim", "skipped_steps"}
    for key in results:
        np.testing.assert_allclose(history[key], _reference["array"][0][key], rtol=1e-5)
        np.testing.assert_allclose(results[key], _reference["array"][1][key], rtol=1e-5)


_reference = {}


def test_predict_is_the_log_density():
    flow = flows.trained("nice")
    expected = flow.log_prob(X)
    for data in (X, tf.data.Dataset.from_tensor_slices(X).batch(5), Batches(labels=False)):
        np.testing.assert_allclose(flow.predict(data, verbose=0), expected, rtol=1e-5)


def test_sample_weights_weigh_the_loss_and_the_bits():
    flow = compiled(flows.trained("nice"))
    weights = np.random.default_rng(0).uniform(0, 2, len(X)).astype(np.float32)
    log_prob = flow.log_prob(X).numpy()
    results = flow.evaluate(X, sample_weight=weights, verbose=0, batch_size=24, return_dict=True)
    np.testing.assert_allclose(results["loss"], -np.mean(log_prob * weights), rtol=1e-5)
    bits = -np.average(log_prob, weights=weights) / (16 * np.log(2))
    np.testing.assert_allclose(results["bits_per_dim"], bits, rtol=1e-5)
    flow.compile(keras.optimizers.SGD(1.0))
    before = snapshot(flow)
    flow.fit(X, sample_weight=np.zeros(len(X)), verbose=0)
    for old, new in zip(before, snapshot(flow), strict=True):
        np.testing.assert_array_equal(old, new)


@every_model
def test_fit_starts_from_its_first_batch_and_once(name):
    flow, twin = flows.small(name), flows.small(name)
    twin.set_weights(flow.get_weights())
    flow.compile(keras.optimizers.SGD(0.0))
    assert not flow.initialized
    flow.fit(X, batch_size=8, shuffle=False, verbose=0)
    assert flow.initialized
    twin.initialize(X[:8])
    for variable, expected in zip(flow.variables, twin.variables, strict=True):
        if "moving" not in variable.name:  # training goes on moving these
            np.testing.assert_allclose(
                variable.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5, err_msg=variable.path
            )
    before = [v.numpy() for v in flow.trainable_variables]
    flow.fit(flows.images(8, seed=9), verbose=0)
    for old, variable in zip(before, flow.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, variable)


@every_model
def test_initialized_models_are_not_started_again(name):
    flow = flows.small(name)
    flow.initialize(X)
    before = [v.numpy() for v in flow.trainable_variables]
    flow.compile(keras.optimizers.SGD(0.0))
    flow.train_on_batch(flows.images(8, seed=9))
    for old, variable in zip(before, flow.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, variable)


@every_model
def test_evaluation_of_a_fresh_model_assigns_nothing(name):
    flow = compiled(flows.small(name))
    before = snapshot(flow)
    flow.evaluate(X, verbose=0)
    flow.predict(X, verbose=0)
    flow.log_prob(X)
    flow.sample(2)
    flow.decode(flow.encode(X))
    assert not flow.initialized
    for old, new in zip(before, snapshot(flow), strict=True):
        np.testing.assert_array_equal(old, new)


@every_model
def test_xla_gives_the_same(name):
    losses = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        flow = compiled(flows.randomize(flows.small(name)), jit_compile=jit_compile)
        steps = [flow.train_on_batch(X[:8], return_dict=True)["loss"] for _ in range(2)]
        losses.append([float(loss) for loss in steps])
    assert losses[0][0] != losses[0][1]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


@every_model
def test_two_replicas_train_as_one_device(name, two_replicas):
    def run(strategy):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            flow = compiled(flows.small(name), jit_compile=False)
        data = tf.data.Dataset.from_tensor_slices(X).batch(8)
        history = flow.fit(data, epochs=2, verbose=0).history
        return flow, history["loss"], flow.evaluate(data, verbose=0)[0]

    one, expected, expected_evaluation = run(tf.distribute.get_strategy())
    two, losses, evaluation = run(two_replicas)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    np.testing.assert_allclose(evaluation, expected_evaluation, rtol=1e-4)
    for variable, other in zip(two.variables, one.variables, strict=True):
        first, second = (v.numpy() for v in variable.value.values)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, other, rtol=1e-2, atol=1e-3)


def test_callbacks_of_keras_work(tmp_path):
    flow = compiled(flows.fresh("nice"))
    callbacks = [
        keras.callbacks.EarlyStopping("val_bits_per_dim", mode="min"),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "val_loss", save_best_only=True),
        keras.callbacks.BackupAndRestore(tmp_path / "backup"),
    ]
    history = flow.fit(X, validation_data=X[:8], epochs=2, verbose=0, callbacks=callbacks).history
    assert set(history) == {
        *("loss", "bits_per_dim", "skipped_steps"),
        *("val_loss", "val_bits_per_dim"),
    }
    best = keras.models.load_model(tmp_path / "best.keras")
    np.testing.assert_allclose(-np.mean(best.log_prob(X[:8])), min(history["val_loss"]), rtol=1e-5)


def test_averaged_weights_several_steps_and_clipping():
    optimizer = keras.optimizers.Adamax(
        1e-2, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3, global_clipnorm=1.0
    )
    flow = flows.fresh("nice")
    flow.compile(optimizer, steps_per_execution=3)
    first = flow.fit(X, batch_size=8, verbose=0).history["loss"][0]
    assert flow.fit(X, batch_size=8, epochs=3, verbose=0).history["loss"][-1] < first


def test_dropout_is_for_training():
    x = X.astype(np.float32)  # without bins there is no noise of training beside the dropout
    flow = compiled(flows.trained("nice", bins=None, dropout=0.5))
    log_prob = flow.log_prob(x).numpy()
    np.testing.assert_allclose(flow(x, training=False), log_prob, rtol=1e-5)
    assert np.abs(flow(x, training=True) - log_prob).max() > 1e-2
    assert np.isfinite(flow.fit(x, verbose=0).history["loss"]).all()


def test_a_loss_is_refused():
    message = "Expected compile without loss and metrics: .* Received: loss='mse'"
    with pytest.raises(ValueError, match=message):
        flows.fresh("nice").compile("adam", loss="mse")
    with pytest.raises(ValueError, match=message):
        flows.fresh("nice").compile("adam", "mse")
    with pytest.raises(ValueError, match="Received: metrics="):
        flows.fresh("nice").compile("adam", metrics=["mse"])


def test_an_automatic_number_of_steps_per_execution_is_refused():
    with pytest.raises(ValueError, match="an int: .* Received: steps_per_execution='auto'"):
        flows.fresh("nice").compile("adam", steps_per_execution="auto")


def test_conditions_reach_the_networks():
    flow = compiled(flows.trained("nice", condition_shape=(3,)))
    condition = np.random.default_rng(0).standard_normal((24, 3)).astype(np.float32)
    data = {"x": X, "condition": condition}
    log_prob = flow.log_prob(X, condition).numpy()
    assert np.ptp(log_prob - flow.log_prob(X, 0 * condition)) > 1e-3
    np.testing.assert_allclose(flow.predict(data, verbose=0), log_prob, rtol=1e-5)
    np.testing.assert_allclose(flow.evaluate(data, verbose=0)[0], -log_prob.mean(), rtol=1e-5)
    flow.fit(data, verbose=0)
    assert isinstance(flow, tfflows.Flow)
    assert flow.sample(24, condition=condition).shape == (24, 4, 4, 1)
