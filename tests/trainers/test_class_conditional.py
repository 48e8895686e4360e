"""Labels and bits in the trainers: from the flags to the model, the pictures and the report."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainers import command
from tfflows import data
from trainers import evaluation, pictures, settings, stream

ARGUMENTS = ("--smoke", "--verbose=0", "--class_conditional", "--class_loss=0.01", "--levels=1")


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """The workdir of a finished class-conditional run."""
    folder = tmp_path_factory.mktemp("classes") / "run"
    command.run("glow", folder, *ARGUMENTS)
    return folder


def test_a_run_writes_everything(workdir):
    results = json.loads((workdir / "results.json").read_text())
    assert results["flags"]["class_conditional"] and results["arguments"]["class_loss"] == 0.01
    served = tf.saved_model.load(str(workdir / results["saved_model"])).signatures["log_prob"]
    assert served.structured_input_signature[1]["condition"].dtype == tf.int32
    flow = keras.models.load_model(workdir / "best.keras")
    assert (flow.classes, flow.class_loss) == (10, 0.01)
    chosen = command.parsed("glow", f"--workdir={workdir}", *ARGUMENTS)
    dataset = stream.evaluation_batches(chosen, "test")
    assert results["test_bits_per_dim"] == pytest.approx(evaluation.bits_per_dim(flow, dataset))
    x, y = next(iter(dataset))
    values = evaluation.log_probs(flow, dataset)
    np.testing.assert_allclose(values[: len(x)], flow.log_prob(x, y), rtol=1e-6)


def test_a_finished_run_is_complete_and_without_labels_another(workdir):
    assert command.prepared("glow", workdir, *ARGUMENTS).complete
    with pytest.raises(ValueError, match="Expected class_conditional=True as in the run"):
        command.prepared("glow", workdir, "--smoke", "--class_loss=0.01", "--levels=1")


def test_a_row_of_samples_is_of_one_class(workdir):
    flow = keras.models.load_model(workdir / "best.keras")
    network = flow.distribution.bijector.layers[-1].levels[-1].layers[-1].conditioner
    seen, of_class = [], network.call
    network.call = lambda inputs, condition, **kwargs: (
        seen.append(condition.numpy()),
        of_class(inputs, condition, **kwargs),
    )[1]
    tf.config.run_functions_eagerly(True)
    try:
        samples = pictures.sampled(flow, 12, temperature=0.5, seed=0)
    finally:
        tf.config.run_functions_eagerly(False)
    assert samples.shape == (144, 8, 8, 1)
    rows = seen[0].argmax(axis=-1).reshape(12, 12)
    np.testing.assert_array_equal(rows, np.repeat([[*range(10), 0, 1]], 12, axis=0).T)


def some_images(name, split, *, with_labels, **_):
    """Random images of 256 gray values, in place of those of TFDS."""
    rng = np.random.default_rng(0)
    tensors = rng.integers(0, 256, (40, 8, 8, 1)).astype(np.uint8), np.arange(40) % 10
    dataset = tf.data.Dataset.from_tensor_slices(tensors if with_labels else tensors[0])
    return data.Data(dataset, (8, 8, 1), 256, 40, 10 if with_labels else None)


def test_bits_are_part_of_a_run_and_of_its_model(tmp_path, monkeypatch):
    monkeypatch.setattr(data.loader, "tfds_images", some_images)
    flags = ("--dataset=some", "--smoke", "--levels=1")
    run = command.prepared("glow", tmp_path / "run", *flags, "--bits=5", "--class_conditional")
    assert (run.flow.bins, run.flow.classes) == (32, 10)
    assert settings.identity(run.recipe, run.settings)["bits"] == 5
    x, y = next(iter(stream.training_batches(run.settings, 2)))
    assert x.shape == (16, 8, 8, 1) and np.max(x) == 31 and y.shape == (16,)
    with pytest.raises(ValueError, match="Expected bits=5 as in the run .* Received: bits=None"):
        command.prepared("glow", tmp_path / "run", *flags, "--class_conditional")


def test_pictures_of_32_levels_are_from_black_to_white():
    picture = pictures.drawn(_Levels(), tf.reshape(tf.range(4.0) * 31 / 3, (4, 1, 1, 1)))
    assert (picture.min(), picture.max()) == (0, 255)


class _Levels:
    """As much of a flow of 32 levels as a picture needs."""

    event_shape, bins = (1, 1, 1), 32

    def to_integers(self, x):
        return tf.cast(x, tf.uint8)


def test_runs_from_before_these_flags_are_continued(tmp_path):
    command.run("glow", tmp_path, "--smoke", "--verbose=0", "--levels=1")
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    for name in ("bits", "class_conditional", "class_loss"):
        assert config.pop(name, None) is None
    for name in ("dequantizer", "init_batch_size", "precision", "recompute"):
        assert config.pop(name) == settings.DEFAULTS[name]
    path.write_text(json.dumps(config))
    assert command.prepared("glow", tmp_path, "--smoke", "--verbose=0", "--levels=1").complete


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--bits=5"], "bits to be left out for digits"),
        (["--class_loss=0.1"], "class_loss=0 without classes"),
    ],
)
def test_flags_that_do_not_fit_write_nothing(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        command.prepared("glow", tmp_path / "run", "--smoke", *arguments)
    assert not (tmp_path / "run").exists()


def test_labels_that_are_no_classes_are_refused(monkeypatch):
    chosen = command.parsed("glow", "--workdir=unused", *ARGUMENTS)
    load = stream.data.load
    monkeypatch.setattr(stream.data, "load", lambda **o: load(**o)._replace(num_classes=None))
    with pytest.raises(ValueError, match="labels are classes .* Received: dataset='digits'"):
        stream.load_split(chosen, "train")
