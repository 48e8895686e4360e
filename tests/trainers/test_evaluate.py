"""`trainers.evaluate`: a run's best model on a split, in one line and as JSON."""

import json

import keras
import numpy as np
import pytest

from tests.trainers import command
from trainers import evaluate, stream


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The workdir of a finished run on digits, class-conditional."""
    folder = tmp_path_factory.mktemp("digits") / "run"
    flags = ("--smoke", "--verbose=0", "--class_conditional", "--levels=1")
    return command.run("glow", folder, *flags)


def test_the_program_prints_a_line_and_writes_json(run, tmp_path):
    folder, path = run.folder.path, tmp_path / "test.json"
    process = command.program(
        "evaluate", f"--workdir={folder}", "--batch_size=50", f"--json={path}"
    )
    assert (process.returncode, process.stderr) == (0, "")
    results = json.loads(path.read_text())
    assert process.stdout == evaluate.line(results) + "\n"
    # All of the 360 images, though the run itself evaluated the first few batches only.
    images = next(iter(stream.data.load("digits", "test", 360, with_labels=True).dataset))
    nats = -keras.models.load_model(folder / "best.keras").log_prob(*images).numpy().astype(float)
    bits = nats / (64 * np.log(2))
    expected = {
        "model": "glow",
        "dataset": "digits",
        "split": "test",
        "examples": 360,
        "dequantization_samples": 1,
        "unit": "bits/dim",
        "bits_per_dim": bits.mean(),
        "bits_per_dim_standard_error": bits.std(ddof=1) / 360**0.5,
        "nats": nats.mean(),
        "nats_standard_error": nats.std(ddof=1) / 360**0.5,
    }
    assert list(results) == list(expected)
    for name, value in expected.items():
        assert results[name] == (
            value if isinstance(value, str) else pytest.approx(value, rel=1e-5)
        )


def test_lines():
    results = {
        "split": "test",
        "unit": "bits/dim",
        "examples": 10000,
        "dequantization_samples": 1,
        "bits_per_dim": 3.35012,
        "bits_per_dim_standard_error": 0.00349,
        "nats": 7133.814,
        "nats_standard_error": 7.431,
    }
    head = "test bits/dim: 3.3501 +- 0.0035, nats per example: 7133.81 +- 7.43, 10,000 examples"
    assert evaluate.line(results) == head
    several = evaluate.line({**results, "dequantization_samples": 16})
    assert several == f"{head}, 16 dequantization samples each"
    one = {"bits_per_dim_standard_error": None, "nats_standard_error": None, "examples": 1}
    text = "test bits/dim: 3.3501, nats per example: 7133.81, 1 examples"
    assert evaluate.line({**results, **one}) == text


def test_points_and_other_splits(tmp_path):
    command.run("nice", tmp_path, *command.SMALL)
    results = evaluate.evaluate(tmp_path, "validation")
    assert results["unit"] == "bits/dim (differential)" and results["examples"] == 200
    points = next(iter(stream.data.load("two_moons", "validation", 200, num_points=200).dataset))
    nats = -np.mean(keras.models.load_model(tmp_path / "best.keras").log_prob(points))
    assert results["nats"] == pytest.approx(nats, rel=1e-5)


def test_several_draws_of_noise(run):
    one, four = (
        evaluate.evaluate(run.folder.path, "validation", dequantization_samples=k) for k in (1, 4)
    )
    images = next(iter(stream.data.load("digits", "validation", 180, with_labels=True).dataset))
    flow = keras.models.load_model(run.folder.best)
    nats = -np.mean(flow.log_prob(*images, dequantization_samples=4))
    assert four["dequantization_samples"] == 4 and four["nats"] == pytest.approx(nats, rel=1e-5)
    assert four["nats"] < one["nats"]


def test_what_is_refused(run, tmp_path):
    (tmp_path / "config.json").write_text(run.folder.config.read_text())
    for folder in (tmp_path, tmp_path / "none"):
        message = "Expected workdir to have a run with a validated model: .* Received: workdir="
        with pytest.raises(ValueError, match=f"{message}'{folder}'"):
            evaluate.evaluate(folder, "test")
    (tmp_path / "best.keras").write_bytes(b"mine")
    with pytest.raises(ValueError, match="Expected best.keras to be a run's. Received: .*best.ker"):
        evaluate.evaluate(tmp_path, "test")
    (tmp_path / "config.json").write_bytes(b"{ not")
    with pytest.raises(ValueError, match="Expected config.json to be a run's. Received: "):
        evaluate.evaluate(tmp_path, "test")
    with pytest.raises(ValueError, match="Expected split to be one of .* Received: split='dev'"):
        evaluate.evaluate(run.folder.path, "dev")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--workdir=none"], "Expected workdir to have a run"),
        (
            ["--workdir=none", "--split=dev"],
            "flag --split=dev: value should be one of <train|valid",
        ),
        (["--workdir=none", "--json=none/x.json"], "Expected json to be a file in a folder"),
    ],
)
def test_a_users_error_is_one_line(arguments, message):
    process = command.program("evaluate", *arguments)
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith("evaluate: ") and process.stderr.count("\n") == 1
    assert message in process.stderr
