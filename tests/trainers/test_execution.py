"""Several steps in one call: how many, and that the training is the same; no work between steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainers import command
from trainers import stream
from trainers.callbacks import Curves
from trainers.execution import steps_together

# Twelve steps whose order of data, learning rate, averages and moments all matter.
ARGUMENTS = (*command.SMALL, "--steps_per_epoch=6", "--ema_momentum=0.7", "--warmup_steps=3")


class Calls(keras.callbacks.Callback):
    """Notes the last step of every call of the compiled function."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(batch)


@pytest.mark.parametrize(
    "steps, epochs, expected",
    [
        (100, 12, 20),  # the digits
        (703, 50, 19),  # CIFAR-10 in batches of 64: 19 * 37
        (781, 50, 11),  # MNIST in batches of 64: 11 * 71
        (50, 50, 10),  # a fifth of an epoch
        (701, 50, 1),  # a prime
        (100, 4, 1),  # a run of 400 steps
        (100, 5, 20),
        (4, 1000, 1),
        (1, 1000, 1),
    ],
)
def test_the_number_of_steps_in_a_call_follows_from_the_length_of_the_run(steps, epochs, expected):
    assert steps_together(steps, epochs) == expected


def test_it_always_divides_an_epoch_and_leaves_the_progress_bar_five_moves():
    for steps in range(1, 300):
        together = steps_together(steps, 1000)
        assert 1 <= together <= 20 and steps % together == 0
        assert together == 1 or steps // together >= 5


def test_a_long_run_takes_several_steps_a_call_and_a_flag_says_otherwise(tmp_path):
    long = ("--steps_per_epoch=50", "--epochs=10")
    for flags, expected in ((long, 10), ((*long, "--steps_per_execution=25"), 25), ((), 1)):
        run = command.prepared("nice", tmp_path / str(expected), *command.SMALL, *flags)
        assert run.flow.steps_per_execution == expected


@pytest.mark.parametrize("strategy", ["default", "mirrored"])
def test_steps_in_one_call_are_those_of_many(strategy, tmp_path):
    runs, ends = [], []
    for together in (1, 3):
        flags = (f"--steps_per_execution={together}", f"--strategy={strategy}", "--logical_cpus=2")
        run = command.prepared("realnvp", tmp_path / str(together), *ARGUMENTS, *flags)
        calls = Calls()
        data = stream.training_batches(run.settings, run.steps)
        run.flow.fit(data, steps_per_epoch=run.steps, epochs=2, verbose=0, callbacks=[calls])
        runs.append(run)
        ends.append(calls.ends)
    assert ends == [[*range(6)] * 2, [2, 5] * 2]
    assert [int(run.flow.optimizer.iterations.numpy()) for run in runs] == [12, 12]
    for weights in zip(*(run.flow.weights for run in runs), strict=True):
        ours, theirs = (
            run.strategy.experimental_local_results(weight.value)[0]
            for run, weight in zip(runs, weights, strict=True)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=weights[0].path)


def test_a_run_is_continued_with_another_number_of_steps_a_call(tmp_path):
    command.run("realnvp", tmp_path / "whole", *ARGUMENTS)
    command.run("realnvp", tmp_path / "parts", *ARGUMENTS, "--max_minutes=1e-9")
    command.run("realnvp", tmp_path / "parts", *ARGUMENTS, "--steps_per_execution=2")
    flows = [keras.models.load_model(tmp_path / n / "last.keras") for n in ("whole", "parts")]
    for ours, theirs in zip(*(flow.weights for flow in flows), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=ours.path)


def test_the_curves_are_of_epochs_and_nothing_is_done_at_a_step(tmp_path):
    run = command.prepared("nice", tmp_path / "run", *command.SMALL)
    data = stream.training_batches(run.settings, run.steps)
    curves = Curves(tmp_path / "curves")
    run.flow.fit(data, steps_per_epoch=run.steps, epochs=3, verbose=0, callbacks=[curves])
    for name in ("on_train_batch_begin", "on_train_batch_end"):
        assert getattr(Curves, name) is getattr(keras.callbacks.Callback, name)
    (path,) = (tmp_path / "curves").rglob("events.out.tfevents.*")
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    events = [tf.compat.v1.Event.FromString(record) for record in records]
    written = [(v.tag, e.step) for e in events for v in e.summary.value]
    for name in ("epoch_loss", "epoch_bits_per_dim"):
        assert [step for tag, step in written if tag == name] == [0, 1, 2]
    assert not [tag for tag, _ in written if tag.startswith("batch")]
