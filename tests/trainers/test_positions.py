"""What a checkpoint says of its place: files without, damaged ones, times; whose run it is."""

import json

import pytest
from tensorflow.python.framework import config

from tests.trainers import cuts
from trainers import checkpoints


@pytest.fixture(autouse=True)
def _leave_no_determinism():
    yield
    config.disable_op_determinism()


def test_without_the_flags_short_runs_write_at_the_ends_of_epochs(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(checkpoints, "write", lambda flow, place, files: written.append(place))
    cuts.train("nice", tmp_path)
    assert [place.steps for place in written] == [0, 0, 0]


def test_a_checkpoint_of_an_older_version_is_that_of_an_epochs_end(tmp_path, monkeypatch, capsys):
    cuts.train("realnvp", tmp_path / "whole")
    cuts.cut(monkeypatch, "realnvp", tmp_path / "cut", "on_epoch_begin", 2)
    cuts.without_entry(tmp_path / "cut" / "last.keras")
    capsys.readouterr()
    cuts.train("realnvp", tmp_path / "cut")
    assert "Going on after epoch 1 in" in capsys.readouterr().out
    cuts.assert_equal(tmp_path / "cut", tmp_path / "whole")


def test_a_deterministic_run_is_not_continued_otherwise(tmp_path):
    cuts.train("nice", tmp_path)
    assert config.is_op_determinism_enabled()
    flags = [flag for flag in cuts.COMMON if flag != "--deterministic"]
    with pytest.raises(ValueError, match="deterministic=True as in .* deterministic=False"):
        cuts.prepared("nice", tmp_path, common=flags)


def test_a_deterministic_run_has_no_xla(tmp_path):
    with pytest.raises(ValueError, match="no XLA in a .* Received: jit_compile='true'"):
        cuts.prepared("nice", tmp_path / "run", "--jit_compile=true")
    assert not (tmp_path / "run").exists()


def test_a_run_of_an_older_version_is_not_deterministic(tmp_path):
    flags = [flag for flag in cuts.COMMON if flag != "--deterministic"]
    cuts.prepared("nice", tmp_path, common=flags).fit()
    file = tmp_path / "config.json"
    identity = json.loads(file.read_text())
    assert identity.pop("deterministic") is False
    file.write_text(json.dumps(identity))
    assert len(cuts.prepared("nice", tmp_path, common=flags).history.rows) == 3
    assert not config.is_op_determinism_enabled()
    with pytest.raises(ValueError, match="deterministic=False as in .* deterministic=True"):
        cuts.prepared("nice", tmp_path)


@pytest.mark.parametrize("damage", ["{", "[]", '{"steps": 1, "seconds": 0.0, "state": {}}'])
def test_a_checkpoint_with_another_entry_is_a_damaged_one(damage, tmp_path, monkeypatch, capsys):
    cuts.cut(monkeypatch, "realnvp", tmp_path, "on_train_batch_end", 3, "--checkpoint_steps=1")
    cuts.without_entry(tmp_path / "last.keras", damage)
    capsys.readouterr()
    run = cuts.prepared("realnvp", tmp_path)
    assert run.position.steps == 2 and run.flow.optimizer.iterations.numpy() == 2
    assert "no checkpoint, so the one before it is used" in capsys.readouterr().err


def test_the_seconds_before_a_cut_count(tmp_path, monkeypatch):
    cuts.cut(monkeypatch, "nice", tmp_path, "on_train_batch_end", 2, "--checkpoint_steps=1")
    entry = cuts.position(tmp_path / "last.keras")
    assert entry["seconds"] > 0
    cuts.without_entry(tmp_path / "last.keras", json.dumps({**entry, "seconds": 1000.0}))
    cuts.train("nice", tmp_path)
    first, second, _ = json.loads((tmp_path / "history.json").read_text())
    assert first["seconds"] > 1000 > second["seconds"]
