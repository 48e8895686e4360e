"""`trainers.export`: a run's best model as a version in a server's folder."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.trainers import command


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The workdir of a finished run."""
    return command.run("nice", tmp_path_factory.mktemp("run"), *command.SMALL).folder.path


def test_the_program_prints_the_folder_of_a_model_that_a_server_serves(run, tmp_path):
    base = tmp_path / "served"
    flags = (f"--workdir={run}", f"--export_dir={base}")
    process = command.program(
        "export", *flags, "--warmup=1,4", "--max_batch_size=4", "--max_temperature=1"
    )
    assert (process.returncode, process.stderr, process.stdout) == (0, "", f"{base / '1'}\n")
    assert tfflows.check_servable(base / "1") == []
    assert (base / "1" / "assets.extra" / "tf_serving_warmup_requests").exists()
    signatures = tf.saved_model.load(str(base / "1")).signatures
    assert "anomaly_score" in signatures  # the run has calibrated its model
    temperature, seed = tf.constant([1.0, 1.1]), tf.zeros([2, 2], tf.int32)
    samples = signatures["sample"](seed=seed, temperature=temperature)["x"].numpy()
    assert np.isfinite(samples[0]).all() and np.isnan(samples[1]).all()
    again = command.program("export", *flags, "--version=7")
    assert (again.returncode, again.stdout) == (0, f"{base / '7'}\n")


def test_what_the_user_gets_wrong_is_one_line(run, tmp_path):
    refused = functools.partial(command.refused, "export")
    base = tmp_path / "served"
    refused("Expected workdir to have a run", f"--workdir={tmp_path}", f"--export_dir={base}")
    here = (f"--workdir={run}", f"--export_dir={base}")
    refused("invalid literal for int() with base 10: 'x'", *here, "--warmup=x")
    assert not base.exists()
