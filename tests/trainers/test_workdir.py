"""A workdir of another run is refused and left as it is; files are written whole or not at all."""

import json
import os
import re

import pytest

from tests.trainers import command
from trainers import workdir


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The workdir of a finished run."""
    folder = tmp_path_factory.mktemp("nice")
    command.run("nice", folder, *command.SMALL)
    return folder


@pytest.mark.parametrize(
    "model, arguments, message",
    [
        ("realnvp", [], "Expected model='nice' as in the run .* Received: model='realnvp'"),
        ("nice", ["--dataset=rings"], "dataset='two_moons' .* Received: dataset='rings'"),
        ("nice", ["--width=17"], "Expected width=16 .* Received: width=17"),
        ("nice", ["--learning_rate=0.5"], "learning_rate=0.001 .* Received: learning_rate=0.5"),
        ("nice", ["--nosmoke"], "Expected smoke=True .* Received: smoke=False"),
    ],
)
def test_another_run_is_refused_and_nothing_is_touched(run, model, arguments, message):
    before = command.contents(run)
    with pytest.raises(ValueError, match=message):
        command.prepared(model, run, *command.SMALL, *arguments)
    assert command.contents(run) == before


def test_how_a_run_is_computed_may_differ(run):
    arguments = ("--max_minutes=9", "--patience=9", "--steps_per_execution=2", "--verbose=2")
    assert command.prepared("nice", run, *command.SMALL, *arguments).complete


@pytest.mark.parametrize("name", ["last.keras", "history.json", "config.json"])
def test_a_broken_file_is_named_and_kept(run, name, tmp_path):
    for file in ("config.json", "history.json", "best.keras", "last.keras"):
        (tmp_path / file).write_bytes((run / file).read_bytes())
    (tmp_path / name).write_bytes(b"{ not what it was")
    before = command.contents(tmp_path)
    with pytest.raises(ValueError, match=rf"Received: .*{re.escape(name)}"):
        command.prepared("nice", tmp_path, *command.SMALL)
    assert command.contents(tmp_path) == before


def test_files_of_an_unknown_run_are_refused(tmp_path):
    (tmp_path / "last.keras").write_bytes(b"mine")
    with pytest.raises(ValueError, match="without last.keras. Received: workdir="):
        command.prepared("nice", tmp_path, *command.SMALL)
    assert command.contents(tmp_path) == {"last.keras": b"mine"}


def test_a_workdir_that_is_no_folder_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for path in (file, file / "below"):
        with pytest.raises(ValueError, match=f"folder that can be written to. .*{path}"):
            command.prepared("nice", path, *command.SMALL)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (["--dataset=nothing"], ValueError, "Received: name='nothing'"),
        (["--dataset=mnist", "--data_dir=/nowhere"], FileNotFoundError, "data_dir='/nowhere'"),
        (["--steps_per_execution=3"], ValueError, "Received: steps_per_execution=3"),
        (["--num_points=5"], ValueError, "num_points"),
        (["--pad_to=4"], ValueError, "Received: pad_to=4"),
    ],
)
def test_settings_that_do_not_fit_write_nothing(arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        command.prepared("nice", tmp_path / "run", "--smoke", *arguments)
    assert not (tmp_path / "run").exists()


def test_what_is_there_outlives_a_failed_write(tmp_path):
    path = tmp_path / "file"
    workdir.write_json(path, {"a": 1})
    with pytest.raises(RuntimeError, match="half way"), workdir.replacing(path) as partial:
        partial.write_text("half of")
        raise RuntimeError("half way")
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_on_the_disk_before_they_have_their_name(tmp_path, monkeypatch):
    """And the name itself afterwards: a power cut leaves the old file or the new one."""
    events, fsync, replace = [], os.fsync, os.replace

    def flushed(descriptor):
        events.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def moved(source, target):
        events.append((str(source), str(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", moved)
    path = tmp_path / "file"
    workdir.write_json(path, {"a": 1})
    partial = events[0]
    assert partial != str(path) and events == [partial, (partial, str(path)), str(tmp_path)]
