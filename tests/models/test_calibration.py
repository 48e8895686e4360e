"""Calibration: the formulas against NumPy, what is refused, saved and exported with the model."""

import re

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows
from tfflows.models import calibration

tfd = tfp.distributions


def by_hand(known, log_prob):
    """The formulas of `Calibration`, a datum at a time."""
    gaps = [abs(value - np.mean(known)) for value in known]
    gap = abs(log_prob - np.mean(known))
    return gap, (1 + sum(g >= gap for g in gaps)) / (1 + len(known))


def test_scores_are_the_formulas():
    rng = np.random.default_rng(0)
    known = rng.normal(-50, 4, 200)
    values = np.array([[-50.0, -40.0, -70.0], [known[3], np.inf, -np.inf]])
    gap, p_value = calibration.Calibration(known).scores(tf.constant(values))
    expected = np.array([by_hand(known, v) for v in values.reshape(-1)]).T
    np.testing.assert_allclose(gap, expected[0].reshape(2, 3))
    np.testing.assert_allclose(p_value, expected[1].reshape(2, 3))
    assert p_value[1, 1] == p_value[1, 2] == 1 / 201
    assert np.isnan(calibration.Calibration(known).scores(tf.constant([np.nan]))[1]).all()


def test_p_values_of_the_calibration_datas_distribution_are_uniform():
    flow = tfflows.Flow(tfd.MultivariateNormalDiag(tf.zeros(32), tf.ones(32)))
    rng = np.random.default_rng(0)
    flow.calibrate(rng.standard_normal((4000, 32)).astype(np.float32))
    score = flow.anomaly_score(rng.standard_normal((2000, 32)).astype(np.float32))
    assert scipy.stats.kstest(score["p_value"].numpy(), "uniform").pvalue > 1e-3
    far = flow.anomaly_score(np.stack([np.full(32, 5.0), np.zeros(32)]).astype(np.float32))
    assert far["log_prob"][1] > far["log_prob"][0]
    assert (far["p_value"].numpy() < 0.001).all()  # too high a density is as untypical as too low


def test_many_are_kept_as_order_statistics():
    known = np.random.default_rng(0).normal(-50, 4, 50_000)
    kept = calibration.Calibration(known)
    assert len(kept.log_probs) == 10_000 and kept.mean == np.mean(np.sort(known))
    values = np.linspace(-65, -35, 31)
    whole = [by_hand(known, v)[1] for v in values]
    np.testing.assert_allclose(kept.scores(tf.constant(values))[1], whole, atol=5e-4)


@pytest.mark.parametrize("name", flows.NAMES)
def test_it_is_saved_with_the_model(name, tmp_path):
    flow = flows.trained(name)
    plain = tmp_path / "plain.keras"
    flow.save(plain)
    assert keras.models.load_model(plain).calibration is None
    flow.calibrate(flows.images(40))
    flow.save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    x = flows.images(6, seed=3)
    for key, score in flow.anomaly_score(x).items():
        np.testing.assert_allclose(loaded.anomaly_score(x)[key], score, rtol=1e-6)
    np.testing.assert_array_equal(loaded.calibration.log_probs, flow.calibration.log_probs)
    assert loaded.calibration.mean == flow.calibration.mean
    flow.save_weights(tmp_path / "flow.weights.h5")
    fresh = flows.fresh(name)
    fresh.load_weights(tmp_path / "flow.weights.h5")
    assert fresh.calibration.mean == flow.calibration.mean


def test_labels_and_data_sets():
    flow = flows.trained("glow", classes=2)
    x, labels = flows.images(20), np.arange(20) % 2
    flow.calibrate(tf.data.Dataset.from_tensor_slices((x, labels)).batch(7))
    np.testing.assert_allclose(
        flow.calibration.log_probs, np.sort(flow.log_prob(x, labels)), rtol=1e-5
    )
    assert set(flow.anomaly_score(x, labels)) == {"log_prob", "typicality_gap", "p_value"}


def test_what_is_refused():
    flow = flows.trained("nice")
    with pytest.raises(ValueError, match=re.escape("a calibrated flow: calibrate(x). Received")):
        flow.anomaly_score(flows.images(2))
    with pytest.raises(ValueError, match="at least 2 examples.*Received: 1 examples"):
        flow.calibrate(flows.images(1))
    with pytest.raises(ValueError, match="finite.*Received: 3 examples, 2 of them not finite"):
        calibration.Calibration([0.0, np.nan, -np.inf])
    assert flow.calibration is None
