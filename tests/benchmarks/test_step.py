"""`benchmarks.step` at work, with the smallest models; times are not looked at."""

import collections
import contextlib
import json
import math
import sys

import pytest
import tensorflow as tf

from benchmarks import contenders, floor, normflows_client, parts, settings, step
from tests.benchmarks import command

SMALL = settings.Settings("glow", 2, 2, 4, 2, 8, 3)
WORKER = """
import json, sys
print(json.dumps({"torch": "0", "options": sys.argv[1]}), flush=True)
for line in sys.stdin:
    print(json.dumps({"seconds": 0.5, "value": 7.0}), flush=True)
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("step") / "step.json"
    names = [*contenders.DEFAULT, "floor_weights_only", "floor_in_turn", "tfb_train"]
    flags = (f"--contenders={','.join(names)}", "--rounds=2", f"--json={path}")
    results, text = command.run(step, *flags)
    return names, results, text, json.loads(path.read_text())


def test_all_contenders_run_and_are_in_the_table(measured):
    names, results, text, _ = measured
    steps, ratios = command.tables(text)
    assert [row["contender"] for row in steps] == names
    assert "train / floor" in [row["ratio"] for row in ratios]
    assert len(ratios) == len(results["ratios"]) == 8
    assert all(math.isfinite(float(row["last value"])) for row in steps)
    assert all(len(timing["steps"]) == 2 for timing in results["timings"].values())


def test_json_has_what_the_table_has_and_where_it_was_taken(measured):
    names, results, _, content = measured
    assert content["steps"] == results["steps"] and content["ratios"] == results["ratios"]
    assert content["settings"]["width"] == 4
    assert content["environment"].keys() >= {"commit", "cpu", "cores", "tensorflow", "keras"}


def test_other_models():
    flags = ("--model=nice", "--depth=1", "--width=4", "--size=4", "--batch=2")
    values = command.parsed(step, *flags, "--contenders=train,floor,nets_forward", "--rounds=1")
    results = step.run(values, progress=lambda line: None)
    assert [row["ratio"] for row in results["ratios"]] == ["train / floor"]


def test_floor_has_the_networks_of_the_flow():
    pairs = parts.networks(SMALL)
    flow = parts.build_flow(SMALL)
    # In a level: two couplings with 6 or 12 of 12 or 24 channels, and a standardization.
    shapes = sorted(shape for _, shape in pairs)
    assert shapes == sorted(
        [(2, 4, 4, 6)] * 3 + [(2, 2, 2, 12)] * 2 + [(2, 2, 2, 24)],
    )
    ours = sum(len(network.variables) for network, _ in pairs)
    names = [type(network).__name__ for network, _ in pairs]
    assert collections.Counter(names) == {"ConvNet": 4, "ZeroConv2D": 2}
    assert ours == sum(len(c.variables) for c in _conditioners(flow))


def _conditioners(flow):
    modules = flow.distribution.bijector.submodules
    return [m.conditioner for m in modules if hasattr(m, "conditioner")]


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 14), ({"in_turn": True}, 14), ({"input_gradients": False}, 8)]
)
def test_floor_computes_the_gradients_that_it_says(options, expected):
    # 14 convolutions: 4 networks of 3, 2 of 1. The first of each has its own input.
    pairs = parts.networks(SMALL)
    model = floor.Floor([network for network, _ in pairs], **options)
    parts.compile_by_adam(model, SMALL)
    ran = operations(parts.training(model, floor.inputs(pairs)))
    assert ran["Conv2DBackpropInput"] == expected
    assert ran["Conv2DBackpropFilter"] == 14
    assert ran["Conv2D"] == 14


def operations(step):
    """Counts the convolutions that TensorFlow has left of a step after optimizing its graph."""
    from tensorflow.python.eager import context

    context.enable_run_metadata()
    try:
        step()
        graphs = context.export_run_metadata().function_graphs
    finally:
        context.disable_run_metadata()
    nodes = (node.op for graph in graphs for node in graph.post_optimization_graph.node)
    names = ("Conv2DBackpropInput", "Conv2DBackpropFilter", "Conv2D")
    return collections.Counter(name for op in nodes for name in names if op.endswith(name))


def test_floor_learns():
    pairs = parts.networks(SMALL)
    model = floor.Floor([network for network, _ in pairs])
    parts.compile_by_adam(model, SMALL)
    train = parts.training(model, floor.inputs(pairs))
    before = [tf.identity(v) for v in model.trainable_variables]
    first = train()
    assert first == pytest.approx(1.0) and train() < first
    after = model.trainable_variables
    changed = [bool(tf.reduce_any(a != b.value)) for a, b in zip(before, after, strict=True)]
    assert all(changed)


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """A stand-in for the worker that needs no PyTorch."""
    path = tmp_path / "worker.py"
    path.write_text(WORKER)
    monkeypatch.setattr(normflows_client, "WORKER", path)


def test_normflows_answers_with_its_own_seconds(worker):
    flags = (f"--normflows_python={sys.executable}", "--contenders=normflows_train", "--rounds=2")
    results, _ = command.run(step, *flags)
    assert results["timings"]["normflows_train"]["steps"] == [0.5, 0.5]
    assert results["environment"]["torch"] == "0"
    assert json.loads(results["environment"]["options"])["width"] == 4


def test_normflows_worker_ends_with_the_run(worker):
    with contextlib.ExitStack() as stack:
        made = parts.Parts(stack, sys.executable).worker(SMALL)
        assert made.step() == (0.5, 7.0)
    assert made._process.returncode == 0


def test_a_worker_that_fails_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "worker.py"
    path.write_text("raise SystemExit(3)")
    monkeypatch.setattr(normflows_client, "WORKER", path)
    with pytest.raises(ValueError, match="Expected a Python with torch and normflows"):
        normflows_client.Worker(sys.executable, SMALL)
