"""Warm-up requests: what is in the file, each record answered, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.export import engine
from tests.models import flows

prediction_log_pb2 = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")


@pytest.fixture
def export(tmp_path):
    flow = flows.trained("nice")
    return tfflows.export_saved_model(flow, tmp_path / "models", max_batch_size=8)


def records(file):
    """The requests of a file: signature, and arrays by input."""
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = log.predict_log.request
        inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
        yield request.model_spec.signature_name, inputs


def test_an_engine_answers_every_record(export, tmp_path):
    x = flows.images(3).astype(np.float32)
    file = tfflows.write_warmup(export, {"x": x, "fraction": np.float32([0.5])}, [1, 5])
    assert file == export / "assets.extra" / "tf_serving_warmup_requests"
    assert [p.name for p in file.parent.iterdir()] == [file.name]
    found = list(records(file))
    signatures = [n for n, s in engine.meta_graph(export).signature_def.items() if s.inputs]
    sizes = [(name, rows) for name in sorted(signatures) for rows in (1, 5)]
    assert [(name, len(next(iter(inputs.values())))) for name, inputs in found] == sizes
    answers = engine.run(export, found, tmp_path)
    assert all(np.isfinite(v).all() for answer in answers for v in answer.values())
    by_name = {name: inputs for name, inputs in found}
    np.testing.assert_array_equal(by_name["encode"]["x"], x[[0, 1, 2, 0, 1]])
    assert by_name["encode_integers"]["x"].dtype == np.int32
    np.testing.assert_array_equal(by_name["interpolate"]["fraction"], np.full(5, 0.5))
    assert not by_name["sample"]["seed"].any()
    assert tfflows.check_servable(export) == []
    tfflows.write_warmup(export)  # replaces it
    assert {len(next(iter(inputs.values()))) for _, inputs in records(file)} == {1}


def test_what_is_refused_leaves_the_file_as_it_was(export):
    file = tfflows.write_warmup(export)
    before = file.read_bytes()

    def refused(message, *arguments):
        with pytest.raises(ValueError, match=message):
            tfflows.write_warmup(*arguments)
        assert file.read_bytes() == before and len(list(file.parent.iterdir())) == 1

    refused(
        "(?s)requests that the model answers. Received: one of .*at most 8 rows", export, {}, [9]
    )
    refused(r"examples of x of shape \[n, 4, 4, 1\]", export, {"x": np.zeros([4, 4, 1])})
    refused("Received: examples of y", export, {"y": np.zeros([1])})
    refused(r"ints of at least 1. Received: batch_sizes=\[0\]", export, {}, [0])
    refused("ints of at least 1. Received: batch_sizes=3", export, {}, 3)
    refused("at most 1000 requests.*Received: ", export, {}, [1] * 200)
    moved = export.rename(export.with_name("latest"))
    with pytest.raises(ValueError, match="a server serves.*'latest' is no version number"):
        tfflows.write_warmup(moved)
