"""`load_distribution`: an export in TFP's hands, and in a process without our models."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows

tfd = tfp.distributions


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """A flow of two elements, its folder of versions and the distribution."""
    flow = flows.trained("realnvp", (2,), bins=None)
    folder = tmp_path_factory.mktemp("plane")
    tfflows.export_saved_model(flow, folder, version=9)
    tfflows.export_saved_model(flow, folder, version=10)
    return flow, folder, tfflows.load_distribution(folder)


def points(*shape):
    return np.random.default_rng(0).standard_normal((*shape, 2)).astype(np.float32)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_densities_of_any_sample_shape(plane, shape):
    flow, _, distribution = plane
    x = points(*shape)
    actual = distribution.log_prob(x)
    assert actual.shape == shape
    if x.size:
        np.testing.assert_allclose(actual, flow.log_prob(x), rtol=1e-5)


@pytest.mark.parametrize("name", flows.NAMES)
def test_gradients_are_those_of_the_flow(name, tmp_path, caplog):
    flow = flows.trained(name)
    distribution = tfflows.load_distribution(tfflows.export_saved_model(flow, tmp_path))
    assert not [r for r in caplog.records if "gradient" in r.getMessage()]
    x = tf.constant(flows.images(3) + np.float32(0.3))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        actual, expected = distribution.log_prob(x), flow.log_prob(x)
    gradient = tape.gradient(expected, x).numpy()
    assert abs(gradient).max() > 1e-3
    np.testing.assert_allclose(tape.gradient(actual, x), gradient, rtol=1e-4, atol=1e-6)


def test_samples_are_the_densitys(plane):
    _, _, distribution = plane
    assert distribution.batch_shape == () and distribution.event_shape == (2,)
    assert distribution.sample(seed=1).shape == (2,)
    assert distribution.sample((2, 3), seed=1).shape == (2, 3, 2)
    first, again, other = (distribution.sample(900, seed=(0, s)).numpy() for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert abs(first - other).max() > 0.1
    assert len(np.unique(first[:, 0])) == 900
    draws = np.concatenate([first, other])  # more than a request may have
    # E[q / p] over samples of p is 1 for any density q.
    q = tfd.MultivariateNormalDiag(draws.mean(0), 0.7 * draws.std(0))
    ratios = np.exp(q.log_prob(draws) - distribution.log_prob(draws))
    assert abs(ratios.mean() - 1) < 5 * ratios.std() / len(draws) ** 0.5 < 0.5


def test_a_component_of_a_mixture(plane):
    _, _, distribution = plane
    other = tfd.MultivariateNormalDiag(tf.fill([2], 3.0))
    mixture = tfd.Mixture(tfd.Categorical(probs=[0.25, 0.75]), [distribution, other])
    x = points(4)
    parts = 0.25 * np.exp(distribution.log_prob(x)) + 0.75 * np.exp(other.log_prob(x))
    np.testing.assert_allclose(mixture.log_prob(x), np.log(parts), rtol=1e-4)
    assert mixture.sample(5, seed=1).shape == (5, 2)


def test_the_target_of_a_markov_chain(plane):
    _, _, distribution = plane
    kernel = tfp.mcmc.HamiltonianMonteCarlo(distribution.log_prob, 0.6, num_leapfrog_steps=3)

    @tf.function
    def chain():
        return tfp.mcmc.sample_chain(
            300, distribution.sample(40, seed=3), kernel=kernel, trace_fn=None, seed=(1, 2)
        )

    draws, exact = chain().numpy()[50:].reshape(-1, 2), distribution.sample(1000, seed=4).numpy()
    np.testing.assert_allclose(draws.mean(0), exact.mean(0), atol=0.15)
    np.testing.assert_allclose(draws.std(0), exact.std(0), rtol=0.1)


def test_a_prior_in_a_joint_distribution(plane):
    _, _, distribution = plane
    joint = tfd.JointDistributionNamed(
        {"z": distribution, "y": lambda z: tfd.Normal(tf.reduce_sum(z, -1), 0.5)}
    )
    draw = joint.sample(6, seed=1)
    assert draw["z"].shape == (6, 2)
    expected = distribution.log_prob(draw["z"])
    expected += tfd.Normal(tf.reduce_sum(draw["z"], -1), 0.5).log_prob(draw["y"])
    np.testing.assert_allclose(joint.log_prob(draw), expected, rtol=1e-5)


def test_conditions(tmp_path):
    flow = flows.trained("glow", classes=3)
    distribution = tfflows.load_distribution(tfflows.export_saved_model(flow, tmp_path))
    x, labels = flows.images(6).astype(np.float32), np.arange(6) % 3
    actual = distribution.log_prob(x.reshape(2, 3, 4, 4, 1), condition=labels.reshape(2, 3))
    np.testing.assert_allclose(actual.numpy().reshape(6), flow.log_prob(x, labels), rtol=1e-4)
    one = distribution.log_prob(x, condition=2)
    np.testing.assert_allclose(one, flow.log_prob(x, np.full(6, 2)), rtol=1e-4)
    assert distribution.sample(2, seed=1, condition=[0, 1]).shape == (2, 4, 4, 1)
    with pytest.raises(ValueError, match="Expected a condition. Received: condition=None"):
        distribution.log_prob(x)


def test_no_condition_where_there_is_none(plane):
    with pytest.raises(ValueError, match="Expected no condition. Received: condition=1"):
        plane[2].log_prob(points(2), condition=1)


def test_a_process_without_our_models(plane):
    flow, folder, _ = plane
    code = """
import sys, numpy, tfflows
distribution = tfflows.load_distribution(sys.argv[1])
print(repr(distribution.log_prob(numpy.float32([[0.5, -1.0]])).numpy()[0].item()))
assert "tfflows.models" not in sys.modules, "models"
assert "tfflows.bijectors" not in sys.modules, "bijectors"
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = flow.log_prob(np.float32([[0.5, -1.0]]))[0]
    assert float(done.stdout) == pytest.approx(float(expected), rel=1e-5)


def test_the_highest_version_is_taken_and_strangers_files_are_not(plane, tmp_path):
    _, folder, distribution = plane
    assert distribution.parameters["path"] == folder and distribution._path.name == "10"
    with pytest.raises(ValueError, match="a folder with saved_model.pb"):
        tfflows.load_distribution(tmp_path)
    module = tf.Module()
    module.f = tf.function(lambda x: {"y": x})
    concrete = module.f.get_concrete_function(tf.TensorSpec([None], name="x"))
    tf.saved_model.save(module, str(tmp_path / "other"), signatures={"other": concrete})
    with pytest.raises(ValueError, match=r"an export of tfflows.*signatures \['other'\]"):
        tfflows.load_distribution(tmp_path / "other")
    flow = flows.trained("nice", (4,), bins=None)
    path = tfflows.export_saved_model(flow, tmp_path / "flow")
    (tmp_path / "away").mkdir()
    os.rename(path / "variables", tmp_path / "away" / "variables")
    os.symlink(tmp_path / "away" / "variables", path / "variables")
    with pytest.raises(ValueError, match="files of its own.*variables leads out of it"):
        tfflows.load_distribution(path)
