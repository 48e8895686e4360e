"""Two and three workers on loopback train as one process does, on the same global batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.workers import cluster, scenarios, worker


def results(folder, name, count):
    """Returns what each worker left of a scenario."""
    return [dict(np.load(folder / f"{name}-{index}.npz")) for index in range(count)]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The folder of two workers that have been through all scenarios."""
    folder = tmp_path_factory.mktemp("two")
    names = [*scenarios.SCENARIOS, *worker.OF_SEVERAL]
    cluster.run(*[("tests.workers.worker", folder, *names)] * 2)
    return folder


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """The folder of three workers."""
    folder = tmp_path_factory.mktemp("three")
    cluster.run(*[("tests.workers.worker", folder, "glow", "realnvp")] * 3)
    return folder


def assert_as_alone(found, name):
    keras.utils.set_random_seed(0)
    alone = scenarios.SCENARIOS[name](tf.distribute.get_strategy())
    for key, expected in alone.items():
        for ours in found:
            tolerance = {"weights": (1e-3, 1e-4)}.get(key, (1e-5, 0))
            np.testing.assert_allclose(ours[key], expected, *tolerance, err_msg=f"{name} {key}")
        for ours in found[1:]:
            np.testing.assert_array_equal(ours[key], found[0][key], err_msg=f"{name} {key}")


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_two_workers_are_one_process(two, name):
    assert_as_alone(results(two, name, 2), name)


@pytest.mark.parametrize("name", ["glow", "realnvp"])
def test_three_workers_are_one_process(three, name):
    assert_as_alone(results(three, name, 3), name)


@pytest.mark.parametrize("name", ["counted_dataset", "counted_arrays"])
def test_every_example_is_one_workers(two, name):
    shares = [result["seen"].tolist() for result in results(two, name, 2)]
    assert min(map(len, shares)) >= 28
    assert sorted(shares[0] + shares[1]) == sorted(scenarios.POINTS[:, 0].tolist())


def test_datasets_that_differ_are_refused(two):
    for result in results(two, "different", 2):
        assert str(result["error"]).startswith("Expected x to be the same dataset on all workers")


def test_several_steps_a_call_are_refused(two):
    for result in results(two, "several_steps", 2):
        assert "Received: steps_per_execution=2" in str(result["error"])


def test_all_start_as_the_first_does(two):
    first, second = (result["weights"] for result in results(two, "started", 2))
    np.testing.assert_array_equal(first, second)
    flow = tfflows.Glow((4, 4, 1), bins=256, levels=1, depth=1, width=8)
    fresh = np.concatenate([np.asarray(v, np.float64).ravel() for v in flow.weights])
    assert np.count_nonzero(first != fresh) > 2  # ActNorm's, and that it is started


def test_what_the_first_saves_is_the_model(two):
    first, second = (result["log_prob"] for result in results(two, "saved", 2))
    np.testing.assert_array_equal(first, second)
    data = scenarios.IMAGES[:5]
    flow = keras.models.load_model(two / "saved.keras")
    np.testing.assert_allclose(flow.log_prob(data), first, rtol=1e-6)
    assert flow.optimizer.iterations.numpy() == 5
    (version,) = (two / "exported").iterdir()
    exported = tf.saved_model.load(version).signatures["log_prob"]
    points = tf.constant(data + 0.5, tf.float32)
    values = exported(x=points)["log_prob"]
    np.testing.assert_allclose(values, flow.log_prob(points), rtol=1e-5)
