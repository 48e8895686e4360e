"""Runs whose steps are skipped: counted, gone on with, or ended with what is wrong."""

import numpy as np
import pytest
import tensorflow as tf

from tests.trainers import command, cuts
from tfflows.models import likelihood
from trainers import history, stream

ARGUMENTS = (*command.SMALL, "--epochs=3", "--steps_per_epoch=8", "--steps_per_execution=2")


def spoil(monkeypatch, wrong):
    """Makes the loss of training NaN where `wrong(steps taken, steps skipped of the epoch)`."""
    original = likelihood.MaximumLikelihood.compute_loss

    def compute_loss(self, *args, training=True, **kwargs):
        loss = original(self, *args, training=training, **kwargs)
        if not training:
            return loss
        bad = wrong(self.optimizer.iterations, self._skips.of_epoch)
        return tf.where(bad, tf.constant(np.nan, loss.dtype), loss)

    monkeypatch.setattr(likelihood.MaximumLikelihood, "compute_loss", compute_loss)


def test_skipped_steps_are_counted_and_the_run_goes_on(tmp_path, monkeypatch):
    """Two steps of the first epoch and one of the second: 21 of 24 are taken."""
    spoil(
        monkeypatch,
        lambda taken, skipped: (taken == 3) & (skipped < 2) | (taken == 9) & (skipped < 1),
    )
    whole = command.run("realnvp", tmp_path / "whole", *ARGUMENTS)
    rows = whole.history.rows
    assert [row["skipped_steps"] for row in rows] == [2, 1, 0]
    assert [row["updates"] for row in rows] == [6, 13, 21]
    # Continued after the first and after the second epoch, as far as the rows say.
    for _ in range(3):
        parts = command.run("realnvp", tmp_path / "parts", *ARGUMENTS, "--max_minutes=1e-9")
    assert [row["updates"] for row in parts.history.rows] == [6]
    parts = command.run("realnvp", tmp_path / "parts", *ARGUMENTS)
    for name in ("loss", "updates", "skipped_steps", "val_bits_per_dim"):
        assert [row[name] for row in parts.history.rows] == [row[name] for row in rows], name


def test_those_before_a_stop_in_the_middle_of_an_epoch_count(tmp_path, monkeypatch):
    """Steps 4 to 7 of the second epoch are skipped, and the run is stopped after step 6."""
    skipping = (("--max_skipped=4", None), ("--max_skipped=3", "Received: 4, .* step 15, batch 7"))
    for limit, error in skipping:
        one = (*ARGUMENTS, "--steps_per_execution=1", "--checkpoint_steps=1", limit)
        spoil(monkeypatch, lambda taken, skipped: (taken == 11) & (skipped < 4))
        run = command.prepared("realnvp", tmp_path / limit, *one)
        with monkeypatch.context() as patch, pytest.raises(cuts.Cut):
            cuts.raise_after(patch, "on_train_batch_end", 14)
            run.fit()
        run = command.prepared("realnvp", tmp_path / limit, *one)
        assert run.flow.skipped_in_row == 3 and run.position.steps == 6
        if error is not None:
            with pytest.raises(FloatingPointError, match=error):
                run.fit()
            continue
        run.fit()
        assert [row["skipped_steps"] for row in run.history.rows] == [0, 4, 0]
        assert [row["updates"] for row in run.history.rows] == [8, 12, 20]
        monkeypatch.undo()


def test_too_many_in_a_row_end_the_run(tmp_path, monkeypatch):
    command.run("realnvp", tmp_path, *ARGUMENTS, "--max_minutes=1e-9")
    before = command.contents(tmp_path)
    spoil(monkeypatch, lambda taken, skipped: taken >= 10)
    with pytest.raises(FloatingPointError) as caught:
        command.run("realnvp", tmp_path, *ARGUMENTS, "--max_skipped=2")
    message = str(caught.value)
    assert "Expected at most 2 steps in a row" in message
    assert "Received: 4, the last of them step 14, batch 6 of epoch 2, with values from" in message
    assert message.endswith("first not finite: nothing outside of the graph")
    settings = command.parsed("realnvp", "--workdir=unused", *ARGUMENTS)
    batches = list(stream.training_batches(settings, 8).take(14).as_numpy_iterator())
    assert f"values from {np.min(batches[13]):g} to {np.max(batches[13]):g}; " in message
    after = command.contents(tmp_path)
    for name in ("last.keras", "best.keras", "history.json"):
        assert after[name] == before[name]


def test_as_many_as_are_allowed_do_not(tmp_path, monkeypatch):
    spoil(monkeypatch, lambda taken, skipped: (taken == 3) & (skipped < 4))
    run = command.run("realnvp", tmp_path, *ARGUMENTS, "--max_skipped=4")
    assert [row["skipped_steps"] for row in run.history.rows] == [4, 0, 0]


def test_the_layer_is_named(tmp_path):
    """Weights that a checkpoint has, but that are no good any more."""
    run = command.prepared("realnvp", tmp_path, *ARGUMENTS, "--max_skipped=0")
    layer = next(m for m in run.flow._bijector.submodules if m.name == "coupling")
    variable = layer.trainable_variables[-1]  # of the last layer: ReLUs may make NaN 0
    variable.assign(variable * np.nan)
    with pytest.raises(FloatingPointError, match=r"step 2, batch 2 of epoch 1.*\(coupling\)$"):
        run.finish()


def test_a_history_of_another_checkpoint(tmp_path):
    path = tmp_path / "history.json"
    rows = [{"epoch": 1, "updates": 6}, {"epoch": 2, "updates": 13}]
    history.History(rows).save(path)
    assert history.History.load(path, 13, 8).rows == rows
    assert history.History.load(path, 6, 8).rows == rows[:1]
    assert history.History.load(path, 0, 8).rows == []
    with pytest.raises(ValueError, match=r"ends after 12 steps.*epochs end after \[6, 13\]"):
        history.History.load(path, 12, 8)
    history.History([{"epoch": 1}, {"epoch": 2}]).save(path)  # of an older run
    assert len(history.History.load(path, 8, 8).rows) == 1
