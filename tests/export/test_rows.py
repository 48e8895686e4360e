"""Rows that are not allowed, none at all, too many: what an engine makes of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.export import engine
from tests.models import flows

LIMIT = 6


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """A flow whose every signature takes a label, and its export."""
    keras.utils.set_random_seed(0)
    flow = flows.trained("glow", classes=3)
    flow.calibrate({"x": flows.images(30), "condition": np.arange(30) % 3})
    folder = tmp_path_factory.mktemp("labels")
    path = tfflows.export_saved_model(flow, folder, max_batch_size=LIMIT, max_temperature=1.5)
    return flow, path


def requests(rows):
    """A valid request for every signature."""
    x = flows.images(rows, seed=1).astype(np.int32)
    label = {"condition": (np.arange(rows) % 3).astype(np.int32)}
    fraction, temperature = np.linspace(0, 1, rows), np.linspace(0, 1.5, rows)
    between = {"x1": x, "x2": x[::-1], "fraction": fraction.astype(np.float32)}
    of_data = {"log_prob": {"x": x}, "encode": {"x": x}, "anomaly_score": {"x": x}}
    of_data["interpolate"] = between
    seed = np.stack([np.arange(rows), np.zeros(rows)], axis=1).astype(np.int32)
    z = np.random.default_rng(1).standard_normal((rows, 16)).astype(np.float32)
    found = {
        "decode": {"z": z},
        "sample": {"seed": seed, "temperature": temperature.astype(np.float32)},
    }
    for name, values in of_data.items():
        found[f"{name}_integers"] = values
        floats = {n: (v + 0.5).astype(np.float32) if n[0] == "x" else v for n, v in values.items()}
        found[name] = floats
    return {name: {**values, **label} for name, values in found.items()}


def replaced(request, name, row, value):
    changed = {key: np.array(array) for key, array in request.items()}
    changed[name][row] = value
    return changed


def test_labels_reach_every_signature(export, tmp_path):
    flow, path = export
    sent = requests(3)
    answers = dict(zip(sent, engine.run(path, list(sent.items()), tmp_path), strict=True))
    label = sent["encode"]["condition"]
    expected = flow.log_prob(sent["log_prob"]["x"], label).numpy()
    np.testing.assert_allclose(answers["log_prob"]["log_prob"], expected, rtol=1e-4)
    other = flow.log_prob(sent["log_prob"]["x"], (label + 1) % 3).numpy()
    assert abs(answers["log_prob"]["log_prob"] - other).max() > 1e-2
    decoded = flow.decode(sent["decode"]["z"], label)
    np.testing.assert_allclose(answers["decode"]["x"], decoded, rtol=1e-4, atol=1e-3)
    sample = flow.sample(1, 0.75, seed=1, condition=label[1:2])
    np.testing.assert_allclose(answers["sample"]["x"][1:2], sample, rtol=1e-4, atol=1e-3)
    ends = answers["interpolate"]["x"][[0, 2]]  # both are of the first image's label
    np.testing.assert_allclose(ends[0], sent["interpolate"]["x1"][0], rtol=1e-3, atol=1e-3)
    scores = flow.anomaly_score(sent["anomaly_score"]["x"], label)
    for name, score in scores.items():
        np.testing.assert_allclose(answers["anomaly_score"][name], score, rtol=1e-3, atol=1e-3)


def test_no_rows_get_no_rows(export, tmp_path):
    sent = list(requests(0).items())
    for (name, _), answer in zip(sent, engine.run(export[1], sent, tmp_path), strict=True):
        assert answer and all(value.shape[0] == 0 for value in answer.values()), name


WRONG = [
    ("log_prob", "x", np.nan),
    ("log_prob", "x", np.inf),
    ("log_prob", "condition", 3),
    ("log_prob_integers", "x", flows.BINS),
    ("log_prob_integers", "x", -1),
    ("encode", "x", np.nan),
    ("encode_integers", "condition", -1),
    ("decode", "z", np.inf),
    ("sample", "temperature", 1.6),
    ("sample", "temperature", -0.1),
    ("sample", "temperature", np.nan),
    ("interpolate", "fraction", 1.1),
    ("interpolate_integers", "x2", 99),
    ("anomaly_score", "x", np.nan),
]


def test_a_wrong_number_spoils_its_own_row_only(export, tmp_path):
    valid = requests(3)
    sent = [(name, replaced(valid[name], key, 1, value)) for name, key, value in WRONG]
    names = sorted(valid)
    answers = engine.run(export[1], [*sent, *((n, valid[n]) for n in names)], tmp_path)
    good = dict(zip(names, answers[len(sent) :], strict=True))
    for (name, key, value), answer in zip(WRONG, answers, strict=False):
        for output, values in answer.items():
            assert np.isnan(values[1]).all(), (name, key, value, output)
            np.testing.assert_allclose(values[[0, 2]], good[name][output][[0, 2]], rtol=1e-5)
    assert all(np.isfinite(v).all() for answer in good.values() for v in answer.values())


def test_what_no_server_lets_through_is_an_error_that_names_the_input(export, tmp_path):
    def refused(message, name, request):
        with pytest.raises(RuntimeError, match=message):
            engine.run(export[1], [(name, request)], tmp_path)

    many = requests(LIMIT + 1)
    assert engine.run(export[1], [("sample", requests(LIMIT)["sample"])], tmp_path)
    refused(f"Expected at most {LIMIT} rows in seed.*{LIMIT + 1}", "sample", many["sample"])
    refused(f"Expected at most {LIMIT} rows in x", "encode", many["encode"])
    uneven = {**requests(3)["decode"], "condition": np.zeros(2, np.int32)}
    refused("Expected as many rows in condition as in z.*2", "decode", uneven)
    wrong = {**requests(3)["decode"], "z": np.zeros([3, 5], np.float32)}
    refused(r"tensor \S*_z_\S* \[3,5\] is not compatible with .*\[\?,16\]", "decode", wrong)


def test_a_wrong_dtype_is_an_error(export, tmp_path):
    """Of TensorFlow's own, before the graph is asked: by the input's place, not by its name."""
    request = {"condition": np.zeros(3, np.int32), "z": np.zeros([3, 16])}  # float64
    loaded = tf.saved_model.load(str(export[1])).signatures["decode"]
    message = r"input #1\(zero-based\) was expected to be a float tensor but is a double tensor"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        loaded(**{name: tf.constant(value) for name, value in request.items()})
    with pytest.raises(RuntimeError, match=r"Expects arg\[1\] to be float but double is provided"):
        engine.run(export[1], [("decode", request)], tmp_path)
