"""The form for converters, as LiteRT and onnxruntime compute it."""

import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows
from tfflows.export import protos

OPTIONS = {
    "nice": {},
    "realnvp": {},
    "glow": {"classes": 3},
    "vectors": {},
}
# What some converter lacks, or is wrong about.
LACKING = ("Random", "Assert", "Check", "Inverse", "Solve", "Qr", "Lu", "Log1p", "While", "PyFunc")


def make(name):
    """A flow of every class, with a permutation or matrix in each that has any."""
    if name == "vectors":
        return flows.trained("glow", permutation="full", condition_shape=(2,))
    return flows.trained(name, **OPTIONS[name])


class Case:
    """A flow, requests of 5 rows for its signatures, and what it answers itself."""

    def __init__(self, name):
        self.flow = make(name)
        x = (flows.images(5) + 0.3).astype(np.float32)
        given = {}
        if name == "glow":
            given = {"condition": np.int32([0, 1, 2, 0, 1])}
        if name == "vectors":
            given = {"condition": np.float32(np.random.default_rng(0).normal(size=(5, 2)))}
        z, log_prob = self.flow.encode_and_log_prob(x, given.get("condition"))
        bits = -log_prob / (16 * np.log(2))
        self.requests = {
            "log_prob": {"x": x, **given},
            "encode": {"x": x, **given},
            "decode": {"z": z.numpy(), **given},
        }
        self.expected = {
            "log_prob": {"log_prob": log_prob, "bits_per_dim": bits},
            "encode": {"z": z, "log_prob": log_prob},
            "decode": {"x": x},
        }

    def compare(self, name, answer, rows):
        assert set(answer) == set(self.expected[name])
        for key, value in answer.items():
            expected = np.asarray(self.expected[name][key])[:rows]
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module", params=[*flows.NAMES, "vectors"])
def case(request):
    return Case(request.param)


def of_rows(request, rows):
    return {key: value[:rows] for key, value in request.items()}


def test_the_graph_has_nothing_that_converters_lack(case, tmp_path):
    path = tfflows.export_saved_model(case.flow, tmp_path, portable=True)
    assert tfflows.check_servable(path) == []
    (meta,) = protos.read(path).meta_graphs
    signatures = {name: s for name, s in meta.signature_def.items() if s.inputs}
    assert set(signatures) == {"log_prob", "encode", "decode", "serving_default"}
    for signature in signatures.values():
        outputs = [info.name for info in signature.outputs.values()]
        operations = {node.op for node in protos.Walk(meta.graph_def, outputs).nodes}
        assert not [op for op in operations if any(word in op for word in LACKING)]
    loaded = tf.saved_model.load(str(path)).signatures
    for name, request in case.requests.items():
        answer = loaded[name](**{key: tf.constant(value) for key, value in request.items()})
        case.compare(name, answer, 5)


def test_the_models_own_functions_stay_as_they_are(case, tmp_path):
    """A matrix that is a constant of the exported graph is a variable of the flow's own."""
    flow = case.flow
    path = tfflows.export_saved_model(flow, tmp_path, portable=True)
    variable = max(flow.trainable_variables, key=lambda v: "log_s" in v.path)
    before = variable.numpy()
    try:
        variable.assign_add(np.full(variable.shape, 0.5))
        request = case.requests["log_prob"]
        moved = flow.log_prob(request["x"], request.get("condition")).numpy()
        assert abs(moved - case.expected["log_prob"]["log_prob"].numpy()).max() > 1e-3
    finally:
        variable.assign(before)
    loaded = tf.saved_model.load(str(path)).signatures["log_prob"]
    answer = loaded(**{key: tf.constant(value) for key, value in case.requests["log_prob"].items()})
    case.compare("log_prob", answer, 5)


def test_litert_computes_the_same(case, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    file = tfflows.to_litert(case.flow, tmp_path / "flow.tflite")
    assert [p.name for p in tmp_path.iterdir()] == ["flow.tflite"]
    model = interpreter.Interpreter(str(file))
    for name, request in case.requests.items():
        for rows in (5, 1):
            answer = model.get_signature_runner(name)(**of_rows(request, rows))
            case.compare(name, answer, rows)


def test_onnxruntime_computes_the_same(case, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    for name, request in case.requests.items():
        file = tfflows.to_onnx(case.flow, tmp_path / f"{name}.onnx", name)
        session = runtime.InferenceSession(str(file))
        keys = [output.name for output in session.get_outputs()]
        for rows in (5, 1):
            answer = dict(zip(keys, session.run(None, of_rows(request, rows)), strict=True))
            case.compare(name, answer, rows)


def test_what_is_refused(tmp_path):
    flow = flows.trained("nice")
    with pytest.raises(TypeError, match="a tfflows.Flow. Received: flow=3"):
        tfflows.to_litert(3, tmp_path / "flow.tflite")
    pytest.importorskip("tf2onnx")
    with pytest.raises(TypeError, match="a tfflows.Flow. Received: flow=3"):
        tfflows.to_onnx(3, tmp_path / "flow.onnx")
    with pytest.raises(ValueError, match="'log_prob'].*Received: signature='sample'"):
        tfflows.to_onnx(flow, tmp_path / "flow.onnx", "sample")
    with pytest.raises(ValueError, match=r"Received: signature=\[\]"):
        tfflows.to_onnx(flow, tmp_path / "flow.onnx", [])
    with pytest.raises(ValueError, match="Expected opset to be an int .*opset='17'"):
        tfflows.to_onnx(flow, tmp_path / "flow.onnx", opset="17")
    for write in (tfflows.to_litert, tfflows.to_onnx):
        with pytest.raises(TypeError, match="Expected path to be a path. Received: path=3"):
            write(flow, 3)
    for read in (tfflows.check_servable, tfflows.load_distribution, tfflows.write_warmup):
        with pytest.raises(TypeError, match="Expected path to be a path. Received: path=None"):
            read(None)
    assert not list(tmp_path.iterdir())
