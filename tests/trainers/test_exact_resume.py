"""A deterministic run that was cut anywhere and continued is, bit for bit, the run that was not."""

import json
import re
import signal
import zipfile

import pytest
from tensorflow.python.framework import config

from tests.trainers import command, test_resume
from trainers import checkpoints, progress, signals

# Three epochs of four steps, the learning rate, averages and clipping all at work.
COMMON = (
    *("--smoke", "--verbose=0", "--deterministic", "--epochs=3", "--steps_per_epoch=4"),
    *("--ema_momentum=0.7", "--clip_norm=1", "--schedule=cosine", "--warmup_steps=5"),
    "--samples_every=99",
)
RUNS = {
    "realnvp": ("--dataset=two_moons", "--num_points=200"),  # with batch normalization
    "glow": ("--augment=affine", "--depth=1", "--levels=1"),
    "nice": ("--augment=shift", "--dropout=0.3"),  # whose generators no file of Keras has
}


class Cut(BaseException):
    """What ends a run as if it had been killed."""


@pytest.fixture(autouse=True)
def _leave_no_determinism():
    yield
    config.disable_op_determinism()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Returns a function that returns the workdir of a model's run without a stop."""
    made = {}

    def run(model):
        if model not in made:
            made[model] = tmp_path_factory.mktemp(model)
            train(model, made[model])
        return made[model]

    return run


def train(model, folder, *arguments):
    command.prepared(model, folder, *COMMON, *RUNS[model], *arguments).fit()


def raise_after(monkeypatch, method, times):
    """Has a method of `Progress` raise `Cut` after so many calls."""
    original, left = getattr(progress.Progress, method), [times]

    def cutting(*args, **kwargs):
        result = original(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            raise Cut
        return result

    monkeypatch.setattr(progress.Progress, method, cutting)


def cut(monkeypatch, model, folder, method, times, *arguments):
    with monkeypatch.context() as patch, pytest.raises(Cut):
        raise_after(patch, method, times)
        train(model, folder, *arguments)


def position(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("run.json"))


def without_entry(file, other=None):
    """Takes the position out of a checkpoint, or puts another text in its place."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != "run.json"}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**entries, **({"run.json": other} if other else {})}.items():
            archive.writestr(name, content)


def assert_equal(ours, theirs):
    """All that the two runs have left is equal, but for times."""
    for name in ("last.keras", "best.keras"):
        our, their = test_resume.arrays(ours / name), test_resume.arrays(theirs / name)
        assert our.keys() == their.keys()
        assert not [key for key in our if our[key].tobytes() != their[key].tobytes()], name
    assert test_resume.rows(ours) == test_resume.rows(theirs)
    our, their = (position(folder / "last.keras") for folder in (ours, theirs))
    assert our.pop("seconds") >= 0 and their.pop("seconds") >= 0 and our == their


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


@pytest.mark.parametrize("model, cuts", [("realnvp", CUTS), ("nice", CUTS), ("glow", CUTS[:2])])
def test_a_run_that_is_cut_ends_the_same(model, cuts, whole, tmp_path, monkeypatch, capsys):
    expected = whole(model)
    capsys.readouterr()
    for method, times, steps, _ in cuts:
        cut(monkeypatch, model, tmp_path, method, times, f"--checkpoint_steps={steps}")
    train(model, tmp_path)
    places = re.findall("Going on after (.*) in", capsys.readouterr().out)
    assert places == [place for *_, place in cuts]
    assert_equal(tmp_path, expected)


@pytest.mark.parametrize("method, times, place", STOPS)
def test_a_run_that_is_asked_to_stop_saves_and_goes_on(
    method, times, place, whole, tmp_path, monkeypatch
):
    original, left = getattr(progress.Progress, method), [times]

    def asking(self, *args, **kwargs):
        left[0] -= 1
        if not left[0]:
            self._stop.ask(signal.SIGINT)
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(signals.Stopped) as caught:
        patch.setattr(progress.Progress, method, asking)
        train("realnvp", tmp_path)
    assert caught.value.status == 130
    goes_on = f"the same command goes on from {tmp_path / 'last.keras'}"
    assert str(caught.value) == f"stopped by SIGINT after {place}; {goes_on}"
    assert not list(tmp_path.glob(".*"))
    train("realnvp", tmp_path)
    assert_equal(tmp_path, whole("realnvp"))


def test_a_run_that_has_nothing_to_save_is_asked_in_vain(tmp_path):
    run = command.prepared("nice", tmp_path, *COMMON, *RUNS["nice"])
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
    train("realnvp", tmp_path, "--checkpoint_seconds=1e-9")
    assert written == [1, 2, 3, 4, 0] * 3
    assert_equal(tmp_path, whole("realnvp"))


def test_without_the_flags_short_runs_write_at_the_ends_of_epochs(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(checkpoints, "write", lambda flow, place, files: written.append(place))
    train("nice", tmp_path)
    assert [place.steps for place in written] == [0, 0, 0]


def test_the_rest_of_an_epoch_is_made_with_any_number_of_steps_a_call(
    whole, tmp_path, monkeypatch, capsys
):
    cut(monkeypatch, "realnvp", tmp_path, "on_train_batch_end", 3, "--checkpoint_steps=3")
    train("realnvp", tmp_path, "--steps_per_execution=2")
    assert "4 steps of 16, 1 at a time\nGoing on after step 3 of epoch 1" in capsys.readouterr().out
    assert test_resume.rows(tmp_path) == test_resume.rows(whole("realnvp"))


def test_several_steps_a_call(tmp_path, monkeypatch, capsys):
    """Calls of two steps, checkpoints every three: after the call that has the third."""
    together = "--steps_per_execution=2"
    train("realnvp", tmp_path / "whole", together)
    cut(
        *(monkeypatch, "realnvp", tmp_path / "cut", "on_train_batch_end", 3, together),
        "--checkpoint_steps=3",
    )
    assert position(tmp_path / "cut" / "last.keras")["steps"] == 0
    cut(
        *(monkeypatch, "realnvp", tmp_path / "cut", "on_train_batch_end", 1, together),
        "--checkpoint_steps=1",
    )
    assert position(tmp_path / "cut" / "last.keras")["steps"] == 2
    train("realnvp", tmp_path / "cut", together)
    assert_equal(tmp_path / "cut", tmp_path / "whole")


def test_a_checkpoint_of_an_older_version_is_that_of_an_epochs_end(
    whole, tmp_path, monkeypatch, capsys
):
    cut(monkeypatch, "realnvp", tmp_path, "on_epoch_begin", 2)
    without_entry(tmp_path / "last.keras")
    capsys.readouterr()
    train("realnvp", tmp_path)
    assert "Going on after epoch 1 in" in capsys.readouterr().out
    assert_equal(tmp_path, whole("realnvp"))


def test_a_deterministic_run_is_not_continued_otherwise(tmp_path):
    train("nice", tmp_path)
    flags = [flag for flag in COMMON if flag != "--deterministic"]
    with pytest.raises(ValueError, match="deterministic=True as in .* deterministic=False"):
        command.prepared("nice", tmp_path, *flags, *RUNS["nice"])


def test_a_run_of_an_older_version_is_not_deterministic(tmp_path):
    flags = [flag for flag in COMMON if flag != "--deterministic"]
    command.prepared("nice", tmp_path, *flags, *RUNS["nice"]).fit()
    file = tmp_path / "config.json"
    identity = json.loads(file.read_text())
    assert identity.pop("deterministic") is False
    file.write_text(json.dumps(identity))
    assert len(command.prepared("nice", tmp_path, *flags, *RUNS["nice"]).history.rows) == 3
    assert not config.is_op_determinism_enabled()
    with pytest.raises(ValueError, match="deterministic=False as in .* deterministic=True"):
        command.prepared("nice", tmp_path, *COMMON, *RUNS["nice"])


@pytest.mark.parametrize("damage", ["{", "[]", '{"steps": 1, "seconds": 0.0, "state": {}}'])
def test_a_checkpoint_with_another_entry_is_a_damaged_one(damage, tmp_path, monkeypatch, capsys):
    cut(monkeypatch, "realnvp", tmp_path, "on_train_batch_end", 3, "--checkpoint_steps=1")
    without_entry(tmp_path / "last.keras", damage)
    capsys.readouterr()
    run = command.prepared("realnvp", tmp_path, *COMMON, *RUNS["realnvp"])
    assert run.position.steps == 2 and run.flow.optimizer.iterations.numpy() == 2
    assert "no checkpoint, so the one before it is used" in capsys.readouterr().err
