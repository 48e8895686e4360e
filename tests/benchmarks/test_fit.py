"""`benchmarks.fit`, on the digits, which need no folder: what it counts and makes rates of."""

import json

import pytest

from benchmarks import fit
from tests.benchmarks import command

FLAGS = ("--dataset=digits", "--steps=6", "--rounds=2", "--steps_per_execution=3")


def test_fit(tmp_path, monkeypatch):
    calls, path = [], tmp_path / "fit.json"
    stop = fit.InTurn._stop

    def noting(in_turn, name, epoch):
        calls.append((name, epoch, int(in_turn.model.optimizer.iterations.numpy())))
        stop(in_turn, name, epoch)

    monkeypatch.setattr(fit.InTurn, "_stop", noting)
    results, text = command.run(fit, *FLAGS, f"--json={path}")
    turns = [(name, epoch) for epoch in range(3) for name in ("fit", "bare")]
    assert calls == [(*turn, 6 * (i + 1)) for i, turn in enumerate(turns)]
    (table,) = command.tables(text)
    assert [row[""] for row in table][:3] == ["bare, images/s", "fit, images/s", "fit / bare, by s"]
    assert [row[""].split(", ")[0] for row in table[3:]] == ["bare", "fit", "fit / bare"]
    assert "2 rounds of 6 steps each, 3 an execution" in text
    written = json.loads(path.read_text())
    assert written["seconds"] == results["seconds"] and written["rows"] == results["rows"]
    assert {len(values) for values in results["seconds"].values()} == {2}


def test_rates_and_their_ratios():
    seconds = {"bare": [1.0, 2.0, 4.0], "fit": [2.0, 2.0, 2.0]}
    bare, fitted, ratio = fit._rows(8, seconds, "s")
    assert [bare[key] for key in ("median", "least", "most")] == [4.0, 2.0, 8.0]
    assert [fitted[key] for key in ("median", "least", "most")] == [4.0, 4.0, 4.0]
    assert [ratio[key] for key in ("median", "least", "most")] == [1.0, 0.5, 2.0]


def test_a_dataset_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="Received: name='cifar10'"):
        command.run(fit, "--steps=2", f"--data_dir={tmp_path}")
