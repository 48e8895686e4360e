"""A deterministic run that was cut anywhere and continued is, bit for bit, the run that was not."""

import re
import signal

import pytest
from tensorflow.python.framework import config

from tests.trainers import cuts, left
from tfflows.data import pipeline
from trainers import checkpoints, progress, signals


@pytest.fixture(autouse=True)
def _leave_no_determinism():
    yield
    config.disable_op_determinism()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Returns a function that returns the workdir of the run of a name without a stop."""
    made = {}

    def run(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            cuts.train(name, made[name])
        return made[name]

    return run


# Where each run is cut, the steps between its checkpoints, and from where the next has to go on.
CUTS = (
    ("on_train_batch_end", 3, 2, "step 2 of epoch 1"),
    ("on_train_batch_end", 2, 1, "step 4 of epoch 1"),  # all are made, and nothing is validated
    ("end_epoch", 1, 1, "step 4 of epoch 1"),  # validated in vain
    ("on_train_batch_end", 5, 5, "epoch 2"),
    ("on_train_batch_end", 3, 1, "step 3 of epoch 3"),
)

# When it is asked to stop, and where it then stops: also in the middle of a validation.
STOPS = (
    ("on_train_batch_end", 7, "step 3 of epoch 2"),
    ("on_train_batch_end", 8, "step 4 of epoch 2"),
    ("watched", 2, "step 4 of epoch 2"),
    ("end_epoch", 2, "epoch 2"),
)


@pytest.mark.parametrize("name, chosen", [("realnvp", CUTS), ("nice", CUTS), ("glow", CUTS[:2])])
def test_a_run_that_is_cut_ends_the_same(name, chosen, whole, tmp_path, monkeypatch, capsys):
    expected = whole(name)
    capsys.readouterr()
    for method, times, steps, _ in chosen:
        cuts.cut(monkeypatch, name, tmp_path, method, times, f"--checkpoint_steps={steps}")
    cuts.train(name, tmp_path)
    places = re.findall("Going on after (.*) in", capsys.readouterr().out)
    assert places == [place for *_, place in chosen]
    cuts.assert_equal(tmp_path, expected)


@pytest.mark.parametrize("method, times, place", STOPS)
def test_a_run_that_is_asked_to_stop_saves_and_goes_on(
    method, times, place, whole, tmp_path, monkeypatch, capsys
):
    original, left = getattr(progress.Progress, method), [times]

    def asking(self, *args, **kwargs):
        left[0] -= 1
        if not left[0]:
            self._stop.ask(signal.SIGINT)
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(signals.Stopped) as caught:
        patch.setattr(progress.Progress, method, asking)
        cuts.train("realnvp", tmp_path)
    assert caught.value.status == 130
    goes_on = f"the same command goes on from {tmp_path / 'last.keras'}"
    assert str(caught.value) == f"stopped by SIGINT after {place}; {goes_on}"
    assert not list(tmp_path.glob(".*"))
    capsys.readouterr()
    cuts.train("realnvp", tmp_path)
    assert f"Going on after {place} in" in capsys.readouterr().out
    cuts.assert_equal(tmp_path, whole("realnvp"))


def test_a_run_that_has_nothing_to_save_is_asked_in_vain(tmp_path):
    run = cuts.prepared("nice", tmp_path)
    assert not run.stop.ask()
    with pytest.raises(signals.Stopped, match="stopped by SIGTERM after epoch 0; the same"):
        run.fit()
    assert (tmp_path / "last.keras").exists()  # as the message says


def test_checkpoints_by_time_change_nothing(whole, tmp_path, monkeypatch):
    written = []
    original = checkpoints.write

    def write(flow, place, files):
        written.append(place.steps)
        original(flow, place, files)

    monkeypatch.setattr(checkpoints, "write", write)
    cuts.train("realnvp", tmp_path, "--checkpoint_seconds=1e-9")
    assert written == [1, 2, 3, 4, 0] * 3
    cuts.assert_equal(tmp_path, whole("realnvp"))


def test_the_rest_of_an_epoch_is_made_with_any_number_of_steps_a_call(
    whole, tmp_path, monkeypatch, capsys
):
    cuts.cut(monkeypatch, "realnvp", tmp_path, "on_train_batch_end", 3, "--checkpoint_steps=3")
    cuts.train("realnvp", tmp_path, "--steps_per_execution=2")
    assert "4 steps of 16, 1 at a time\nGoing on after step 3 of epoch 1" in capsys.readouterr().out
    assert left.rows(tmp_path) == left.rows(whole("realnvp"))


def test_several_steps_a_call(tmp_path, monkeypatch, capsys):
    """Calls of two steps, checkpoints every three: after the call that has the third."""
    together = "--steps_per_execution=2"
    cuts.train("realnvp", tmp_path / "whole", together)
    cuts.cut(
        *(monkeypatch, "realnvp", tmp_path / "cut", "on_train_batch_end", 3, together),
        "--checkpoint_steps=3",
    )
    assert cuts.position(tmp_path / "cut" / "last.keras")["steps"] == 0
    cuts.cut(
        *(monkeypatch, "realnvp", tmp_path / "cut", "on_train_batch_end", 1, together),
        "--checkpoint_steps=1",
    )
    assert cuts.position(tmp_path / "cut" / "last.keras")["steps"] == 2
    cuts.train("realnvp", tmp_path / "cut", together)
    cuts.assert_equal(tmp_path / "cut", tmp_path / "whole")


@pytest.mark.deep
@pytest.mark.parametrize("name", cuts.DEEP)
def test_any_run_that_is_cut_ends_the_same(name, tmp_path, monkeypatch):
    if name == "uncached":
        monkeypatch.setattr(pipeline, "CACHE_BYTES", 0)
    cuts.train(name, tmp_path / "whole")
    for method, times, steps, _ in CUTS[:2]:
        cuts.cut(monkeypatch, name, tmp_path / "cut", method, times, f"--checkpoint_steps={steps}")
    cuts.train(name, tmp_path / "cut")
    cuts.assert_equal(tmp_path / "cut", tmp_path / "whole")
