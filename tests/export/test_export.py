"""Exports, read back by Python and answered by TensorFlow's C API in a process of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.export import engine
from tests.models import flows

tfd, tfb = tfp.distributions, tfp.bijectors
OF_DATA = {"log_prob", "encode", "interpolate", "anomaly_score"}
TWINS = {f"{name}_integers" for name in OF_DATA}
SIGNATURES = {"serving_default", "decode", "sample", *OF_DATA, *TWINS}
SEEDS = np.array([[1, 0], [2, 0], [1, 7], [-3, 0], [2**31 - 1, 0]], np.int32)
FRACTIONS = np.array([0.0, 0.25, 0.5, 0.9, 1.0], np.float32)
TEMPERATURES = np.array([1.0, 0.5, 1.0, 0.0, 1.3], np.float32)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def requests():
    """A request for every signature, of 5 rows."""
    x, other = flows.images(5).astype(np.int32), flows.images(5, seed=1).astype(np.int32)
    floats, integers = {"x": (x + 0.25).astype(np.float32)}, {"x": x}
    z = np.random.default_rng(1).standard_normal((5, 16)).astype(np.float32)
    between = {"x1": x, "x2": other, "fraction": FRACTIONS}
    return {
        **dict.fromkeys(("serving_default", "log_prob", "encode", "anomaly_score"), floats),
        **dict.fromkeys(
            ("log_prob_integers", "encode_integers", "anomaly_score_integers"), integers
        ),
        "interpolate": {
            **between,
            "x1": (x + 0.25).astype(np.float32),
            "x2": (other + 0.5).astype(np.float32),
        },
        "interpolate_integers": between,
        "decode": {"z": z},
        "sample": {"seed": SEEDS, "temperature": TEMPERATURES},
    }


def of_rows(request, rows):
    return {name: value[rows] for name, value in request.items()}


class Case:
    """A flow and its export."""

    def __init__(self, name, folder):
        keras.utils.set_random_seed(0)
        self.flow = flows.trained(name)
        self.flow.calibrate(flows.images(50, seed=2))
        self.path = tfflows.export_saved_model(self.flow, folder / name)
        self.loaded = tf.saved_model.load(str(self.path)).signatures

    def expected(self):
        """What the flow itself answers to `requests`."""
        flow, sent = self.flow, requests()
        density, integers = flow.log_prob(sent["log_prob"]["x"]), flow.log_prob(flows.images(5))
        draws = zip(SEEDS[:, 0], TEMPERATURES, strict=True)
        samples = [flow.sample(1, float(t), seed=int(seed))[0] for seed, t in draws]
        answers = [
            {"log_prob": v, "bits_per_dim": -v / (16 * np.log(2))} for v in (density, integers)
        ]
        expected = {
            "serving_default": answers[0],
            "log_prob": answers[0],
            "log_prob_integers": answers[1],
            "decode": {"x": flow.decode(sent["decode"]["z"])},
            "sample": {"x": samples},
        }
        for twin, log_prob in (("", density), ("_integers", integers)):
            x, between = sent[f"encode{twin}"]["x"], sent[f"interpolate{twin}"]
            first, second = flow.encode(between["x1"]), flow.encode(between["x2"])
            z = first + FRACTIONS[:, None] * (second - first)
            expected[f"encode{twin}"] = {"z": flow.encode(x), "log_prob": log_prob}
            expected[f"interpolate{twin}"] = {"x": flow.decode(z)}
            expected[f"anomaly_score{twin}"] = flow.anomaly_score(x)
        return expected


@pytest.fixture(scope="module", params=flows.NAMES)
def case(request, tmp_path_factory):
    return Case(request.param, tmp_path_factory.mktemp("exports"))


def assert_as_expected(answer, expected, rows=slice(None), skip_third=False):
    assert set(answer) == set(expected)
    for key, value in answer.items():
        assert value.dtype == np.float32
        # The seed [1, 7] has no counterpart in `Flow.sample`.
        keep = [i for i in range(5)[rows] if not (skip_third and i == 2)]
        close(
            np.asarray(value)[[i - (rows.start or 0) for i in keep]],
            np.asarray(expected[key])[keep],
        )


def test_python_answers_as_the_flow(case):
    assert set(case.loaded) == SIGNATURES
    expected = case.expected()
    for name, request in requests().items():
        answer = case.loaded[name](**{k: tf.constant(v) for k, v in request.items()})
        assert_as_expected(answer, expected[name], skip_third=name == "sample")


def test_an_engine_without_python_answers_as_the_flow(case, tmp_path):
    """Batches of 5 and of 1, and so: merged requests get what single ones get."""
    sent, expected = requests(), case.expected()
    merged = [(name, sent[name]) for name in sorted(SIGNATURES)]
    single = [
        (name, of_rows(sent[name], slice(i, i + 1)))
        for name in sorted(SIGNATURES)
        for i in range(5)
    ]
    answers = engine.run(case.path, [*merged, *single], tmp_path)
    together = {name: answer for (name, _), answer in zip(merged, answers, strict=False)}
    for name, answer in together.items():
        assert_as_expected(answer, expected[name], skip_third=name == "sample")
    for index, ((name, _), answer) in enumerate(zip(single, answers[len(merged) :], strict=True)):
        for key, value in answer.items():
            assert value.shape[0] == 1
            close(value[0], together[name][key][index % 5])
    samples = together["sample"]["x"]
    assert min(abs(samples[i] - samples[j]).max() for i in range(3) for j in range(i)) > 1e-2


def test_an_engine_refuses_a_wrong_shape(case, tmp_path):
    wrong = {"x": np.zeros([2, 4, 4, 2], np.float32)}
    with pytest.raises(RuntimeError, match=r"\[2,4,4,2\] is not compatible with .*\[\?,4,4,1\]"):
        engine.run(case.path, [("encode", wrong)], tmp_path)


def test_signatures_can_be_batched(case):
    signatures = engine.meta_graph(case.path).signature_def
    assert set(signatures) - {"__saved_model_init_op"} == SIGNATURES
    for name in SIGNATURES:
        signature = signatures[name]
        for info in (*signature.inputs.values(), *signature.outputs.values()):
            dims = [d.size for d in info.tensor_shape.dim]
            assert dims[0] == -1 and -1 not in dims[1:]
        assert {info.dtype for info in signature.outputs.values()} == {tf.float32.as_datatype_enum}
    assert set(signatures["sample"].inputs) == {"seed", "temperature"}


def test_graphs_need_no_python_no_compiler_and_no_state(case):
    graph = engine.meta_graph(case.path)
    assert list(graph.meta_info_def.tags) == ["serve"]
    functions = graph.graph_def.library.function
    functions = [f for f in functions if "_traced_" not in f.signature.name]  # save and restore
    assert not [f.signature.name for f in functions if f.attr["_XlaMustCompile"].b]
    ops = {node.op for function in functions for node in function.node_def}
    assert any(op.startswith("StatelessRandom") for op in ops)
    unwanted = [op for op in ops if op.startswith(("Random", "Assign")) or "PyFunc" in op]
    assert not unwanted


def test_variables_are_stored_once(case):
    prefix = case.path / "variables" / "variables"
    reader = tf.train.load_checkpoint(str(prefix))
    objects = len(reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
    stored = [name for name in reader.get_variable_to_shape_map() if not name.startswith("_")]
    expected = sorted(np.asarray(v).nbytes for v in case.flow.variables)
    assert sorted(np.asarray(reader.get_tensor(name)).nbytes for name in stored) == expected
    size = prefix.with_suffix(".data-00000-of-00001").stat().st_size
    assert 0 <= size - sum(expected) - objects < 100


# What is exported of other flows.


def test_a_distribution_without_latents_has_its_density_only(tmp_path):
    flow = tfflows.Flow(tfd.Independent(tfd.Normal(tf.Variable([1.0, 2.0]), 1.0), 1))
    loaded = tf.saved_model.load(str(tfflows.export_saved_model(flow, tmp_path)))
    assert set(loaded.signatures) == {"serving_default", "log_prob"}
    x = np.array([[0.5, 0.5]], np.float32)
    close(loaded.signatures["log_prob"](x=tf.constant(x))["log_prob"], flow.log_prob(x))


def test_a_flow_of_tfp_alone(tmp_path):
    base = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    scale = tfb.Scale(tf.Variable([0.5, 2.0]))
    flow = tfflows.Flow(tfd.TransformedDistribution(base, scale))
    loaded = tf.saved_model.load(str(tfflows.export_saved_model(flow, tmp_path)))
    assert set(loaded.signatures) == SIGNATURES - TWINS - {"anomaly_score"}
    z = tf.constant([[1.0, 1.0]])
    close(loaded.signatures["decode"](z=z)["x"], [[0.5, 2.0]])
    answer = loaded.signatures["encode"](x=tf.constant([[0.5, 2.0]]))
    close(answer["z"], z)
    close(answer["log_prob"], [-1.0 - np.log(2 * np.pi)])


def test_float64_models_answer_in_float32(tmp_path):
    flow = flows.trained("nice", (4,), bins=None, dtype="float64")
    loaded = tf.saved_model.load(str(tfflows.export_saved_model(flow, tmp_path)))
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    answer = loaded.signatures["encode"](x=tf.constant(x))
    assert answer["z"].dtype == answer["log_prob"].dtype == tf.float32
    close(answer["z"], flow.encode(x.astype(np.float64)))


def test_a_model_made_for_replicas(tmp_path, two_replicas):
    with two_replicas.scope():
        flow = flows.trained("nice", (4,), bins=None)
    path = tfflows.export_saved_model(flow, tmp_path)
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    (answer,) = engine.run(path, [("log_prob", {"x": x})], tmp_path)
    close(answer["log_prob"], flow.log_prob(x))
