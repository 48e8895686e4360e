"""Two replicas train as one device does: the same losses, the same weights, on both of them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.trainers import command
from trainers import strategies

# Clipping is active at this norm, and the last validation batch is not full.
ARGUMENTS = (
    "--smoke",
    "--verbose=0",
    "--steps_per_epoch=2",
    "--batch_size=64",
    "--clip_norm=1",
    "--levels=1",
)


@pytest.mark.parametrize("model", ["glow", "realnvp", "nice"])
def test_mirrored_is_one_device(model, tmp_path):
    arguments = [flag for flag in ARGUMENTS if model != "nice" or "levels" not in flag]
    runs = []
    for strategy in ("default", "mirrored"):
        run = command.prepared(
            model, tmp_path / strategy, *arguments, f"--strategy={strategy}", "--logical_cpus=2"
        )
        run.fit()
        runs.append(run)
    one, two = runs
    assert two.strategy.num_replicas_in_sync == 2
    for name in ("loss", "bits_per_dim", "val_bits_per_dim"):
        ours, theirs = ([row[name] for row in run.history.rows] for run in runs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-4, err_msg=name)
    for ours, theirs in zip(one.flow.weights, two.flow.weights, strict=True):
        copies = two.strategy.experimental_local_results(theirs.value)
        assert len(copies) == 2
        np.testing.assert_array_equal(copies[0], copies[1], err_msg=theirs.path)
        np.testing.assert_allclose(ours, copies[0], rtol=1e-3, atol=1e-4, err_msg=theirs.path)


def test_names():
    assert strategies.make("default") is tf.distribute.get_strategy()
    assert strategies.make("mirrored", logical_cpus=2).num_replicas_in_sync == 2
    assert strategies.make("mirrored").num_replicas_in_sync == 4  # all, see tests/conftest.py


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path):
    message = "multiple of the number of devices, 4. Received: batch_size=15"
    with pytest.raises(ValueError, match=message):
        command.prepared("nice", tmp_path / "run", "--batch_size=15", "--strategy=mirrored")
    assert not (tmp_path / "run").exists()


def test_the_cpu_cannot_be_split_after_the_start():
    with pytest.raises(ValueError, match="before TensorFlow starts. Received: logical_cpus=5"):
        strategies.make("mirrored", logical_cpus=5)


CONFIG = '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}'


def test_a_cluster():
    assert strategies.check_cluster(CONFIG) == (["a:1", "b:2"], 1)
    chief = CONFIG.replace('{"worker"', '{"chief": ["c:3"], "worker"')
    assert strategies.check_cluster(chief) == (["c:3", "a:1", "b:2"], 2)


@pytest.mark.parametrize(
    "config",
    [
        *(
            "",
            "{",
            "[]",
            '{"cluster": {}}',
            CONFIG.replace("1}", "2}"),
            CONFIG.replace("1}", "-1}"),
        ),
        *(CONFIG.replace("b:2", "b"), CONFIG.replace('"b:2"', "3"), CONFIG.replace("b:2", "b:0")),
        *(CONFIG.replace('"type": "worker"', '"type": "ps"'), CONFIG.replace("1}", '"x"}')),
    ],
)
def test_no_cluster_is_refused(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="Expected TF_CONFIG to be the JSON of a clus.*Received:"):
        strategies.make("multi_worker")


@pytest.mark.parametrize("name", ["multi_worker", "tpu"])
def test_devices_of_one_cpu_are_for_mirrored(name):
    with pytest.raises(ValueError, match=f"strategy='{name}'. Received: logical_cpus=2"):
        strategies.make(name, logical_cpus=2)


def test_no_tpu_is_an_error():
    if tf.config.list_physical_devices("TPU"):
        pytest.skip("there is a TPU")
    with pytest.raises(ValueError, match="Expected a TPU .*Received: tpu='', .*not found"):
        strategies.make("tpu")
