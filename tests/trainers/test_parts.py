"""The parts of the loop: stream, schedule, optimizers, averages, evaluation, history, pictures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.trainers import command
from tfflows import metrics
from trainers import evaluation, history, optimizers, pictures, stream
from trainers.callbacks import EndOfEpoch
from trainers.progress import Progress


def settings(*arguments):
    return command.parsed("nice", "--workdir=unused", *arguments)


def test_an_epoch_of_data_depends_on_seed_and_number_alone():
    def epochs(first, *arguments):
        chosen = settings("--smoke", "--augment=affine", *arguments)
        dataset = stream.training_batches(chosen, 2, first_epoch=first).take(4 - 2 * first)
        return np.stack(list(dataset.as_numpy_iterator()))

    both, second = epochs(0), epochs(1)
    assert both.shape == (4, 16, 8, 8, 1) and both.dtype == np.uint8
    np.testing.assert_array_equal(both[2:], second)
    np.testing.assert_array_equal(both, epochs(0))
    assert np.any(both[:2] != both[2:])
    assert np.any(both != epochs(0, "--seed=1"))


def test_evaluation_sees_every_example_once_and_in_order():
    chosen = settings("--batch_size=100", "--augment=affine")
    batches = list(stream.evaluation_batches(chosen, "validation").as_numpy_iterator())
    assert [len(batch) for batch in batches] == [100, 80]
    again = np.concatenate(list(stream.evaluation_batches(chosen, "validation")))
    np.testing.assert_array_equal(np.concatenate(batches), again)


def test_schedule():
    chosen = settings("--learning_rate=0.5", "--warmup_steps=10")
    rates = [float(optimizers.schedule(chosen, 110)(step)) for step in (0, 5, 10, 60, 110)]
    np.testing.assert_allclose(rates, [0, 0.25, 0.5, 0.25, 0], atol=1e-6)
    chosen = settings("--learning_rate=0.5", "--warmup_steps=10", "--schedule=constant")
    rates = [float(optimizers.schedule(chosen, 110)(step)) for step in (5, 10, 110)]
    np.testing.assert_allclose(rates, [0.25, 0.5, 0.5])
    chosen = settings("--learning_rate=0.5", "--warmup_steps=0", "--schedule=constant")
    assert optimizers.schedule(chosen, 110) == 0.5


def test_optimizer_has_what_the_flags_say():
    flags = ("--optimizer=adam", "--clip_norm=3", "--weight_decay=0.1", "--ema_momentum=0.9")
    made = optimizers.make(settings(*flags), 10)
    assert isinstance(made, keras.optimizers.Adam)
    assert (made.global_clipnorm, made.weight_decay) == (3, 0.1)
    assert (made.use_ema, made.ema_momentum) == (True, 0.9)
    flags = ("--optimizer=adamax", "--clip_norm=0", "--weight_decay=0", "--ema_momentum=0")
    made = optimizers.make(settings(*flags), 10)
    assert isinstance(made, keras.optimizers.Adamax)
    assert (made.global_clipnorm, made.weight_decay, made.use_ema) == (None, None, False)


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, keras.optimizers.Adamax])
def test_optimizers_in_files_of_older_runs(kind):
    config = keras.saving.serialize_keras_object(kind(0.5, global_clipnorm=3.0))
    assert config["registered_name"] is None
    older = {
        "module": "trainers.optimizers",
        "registered_name": f"tfflows.trainers>{kind.__name__}",
    }
    for form in (config, {**config, **older}):
        made = keras.saving.deserialize_keras_object(form)
        assert type(made) is kind and made.global_clipnorm == 3.0


def test_weights_decay_but_not_vectors(tmp_path):
    run = command.prepared("nice", tmp_path, *command.SMALL, "--weight_decay=0.1")
    decayed = [run.flow.optimizer._use_weight_decay(v) for v in run.flow.trainable_variables]
    assert decayed == [len(v.shape) > 1 for v in run.flow.trainable_variables]
    assert any(decayed) and not all(decayed)


def test_the_averaged_weights_are_evaluated_and_the_others_trained_on(tmp_path):
    arguments = ("--ema_momentum=0.8", "--steps_per_epoch=3", "--warmup_steps=0")
    run = command.prepared("nice", tmp_path, *command.SMALL, *arguments)
    expected, seen = [], []

    class ByHand(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights = [v.numpy() for v in run.flow.trainable_variables]
            seen.append(weights)
            expected[:] = (
                [0.8 * e + 0.2 * w for e, w in zip(expected, weights, strict=True)]
                if expected
                else weights
            )

    progress = Progress(run.folder, run.settings, run.steps, run.stop, run.position, run.team)
    end = EndOfEpoch(run.folder, run.history, run.averaged, run.validation, run.settings, progress)
    data = stream.training_batches(run.settings, 3)
    run.flow.fit(data, steps_per_epoch=3, epochs=2, verbose=0, callbacks=[ByHand(), end, progress])
    best = keras.models.load_model(run.folder.best)
    for ours, theirs in zip(best.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert any(np.any(e != w) for e, w in zip(expected, seen[-1], strict=True))
    bits = evaluation.bits_per_dim(best, run.validation)
    assert run.history.rows[-1]["val_bits_per_dim"] == pytest.approx(bits, rel=1e-6)
    raw = keras.models.load_model(run.folder.last)
    for ours, theirs in zip(raw.trainable_variables, seen[-1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_averaged_weights_have_moments_of_their_own(tmp_path):
    flags = ("--dataset=digits", "--smoke", "--verbose=0", "--ema_momentum=0.9")
    run = command.prepared("realnvp", tmp_path, *flags, "--warmup_steps=0")
    batches = stream.moment_batches(run.settings, run.steps)
    data = stream.training_batches(run.settings, run.steps)
    run.flow.fit(data, steps_per_epoch=run.steps, verbose=0)
    averaged = run.averaged.update()
    ours = _moments(averaged)
    assert max(np.max(np.abs(a - b)) for a, b in zip(ours, _moments(run.flow), strict=True)) > 0.01
    for variable in averaged.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(tf.zeros_like(variable))
    tfflows.update_moments(averaged, batches)
    for value, expected in zip(ours, _moments(averaged), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-4)


def _moments(flow):
    return [v.numpy() for v in flow.non_trainable_variables if "moving" in v.path]


def test_a_loss_that_is_not_finite_ends_the_run_before_its_checkpoint(tmp_path):
    run = command.prepared("nice", tmp_path, *command.SMALL)
    run.flow.trainable_variables[0].assign(run.flow.trainable_variables[0] * np.nan)
    with pytest.raises(
        FloatingPointError, match="lower learning_rate.*none in all steps of epoch 1"
    ):
        run.finish()
    assert not run.folder.last.exists()


def test_evaluation_weighs_examples_not_batches(tmp_path):
    flow = command.prepared("nice", tmp_path, *command.SMALL).flow
    x = tf.random.stateless_normal((7, 2), (0, 0))
    expected = np.mean(metrics.bits_per_dim(flow.log_prob(x), (2,)))
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(5)
    assert evaluation.bits_per_dim(flow, dataset) == pytest.approx(expected, rel=1e-6)


def test_history_ends_a_run():
    def rows(*values):
        found = [{"epoch": i + 1, "seconds": 30.0} for i in range(len(values))]
        for row, value in zip(found, values, strict=True):
            row.update({} if value is None else {"val_bits_per_dim": value})
        return history.History(found)

    chosen = settings("--epochs=4", "--patience=2", "--max_minutes=2")
    assert rows().end(chosen) is None and rows().best is None
    assert rows(3.0, None, 2.0).end(settings("--epochs=4", "--patience=2")) is None
    assert rows(3.0, 3.5, None, 3.0).end(chosen) == "all 4 epochs are done"
    assert rows(2.0, 2.5, 2.1).end(chosen) == "no better validation in 2 epochs"
    assert rows(2.0, 1.0, 1.5).end(chosen) is None  # 90 of 120 seconds
    longer = settings("--epochs=9", "--max_minutes=2")
    assert rows(4.0, 3.0, 2.0, 1.0).end(longer).endswith("take longer than 2 minutes")
    assert rows(2.0, 1.0, 1.0).best["epoch"] == 2


def test_grid_puts_images_in_reading_order():
    images = np.arange(1, 7, dtype=np.uint8).reshape(6, 1, 1, 1)
    expected = [[1, 128, 2, 128, 3], [128] * 5, [4, 128, 5, 128, 6]]
    np.testing.assert_array_equal(pictures.grid(images, 3)[..., 0], expected)
