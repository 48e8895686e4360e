"""Exports answered by npm's tfjs-node on the TensorFlow library of the environment.

It is compiled here, in the test's own folder, and needs npm, a compiler and node's headers.
"""

import json
import pathlib
import shutil
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.export import engine, test_export
from tests.models import flows

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(shutil.which("npm") is None, reason="no npm to install tfjs-node with"),
]
_PROGRAM = pathlib.Path(__file__).with_name("node_run.js")


def _call(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder of a tfjs-node that runs on the environment's own library."""
    folder = tmp_path_factory.mktemp("node")
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
    _call([*install, "--prefix", str(folder), "@tensorflow/tfjs-node@4.22.0"], folder)
    package = folder / "node_modules/@tensorflow/tfjs-node"
    home = pathlib.Path(tf.sysconfig.get_lib())
    libraries = package / "deps/lib"
    libraries.mkdir(parents=True)
    (package / "deps/include").symlink_to(home / "include")
    for name, target in (
        ("libtensorflow.so", "libtensorflow_cc.so.2"),
        ("libtensorflow_cc.so.2", "libtensorflow_cc.so.2"),
        ("libtensorflow_framework.so", "libtensorflow_framework.so.2"),
        ("libtensorflow_framework.so.2", "libtensorflow_framework.so.2"),
    ):
        (libraries / name).symlink_to(home / target)
    node = pathlib.Path(shutil.which("node")).resolve().parent.parent
    headers = next(p for p in (node, pathlib.Path("/usr")) if (p / "include/node").is_dir())
    build = ["npx", "--no-install", "node-pre-gyp", "install", "--build-from-source"]
    _call([*build, f"--nodedir={headers}"], package)
    return package


def run(package, path, requests, folder):
    """Answers requests `(signature, {input: array})` in one fresh process, as `engine.run` does."""
    signatures = engine.meta_graph(path).signature_def
    job = {"package": str(package), "model": str(path), "requests": []}
    folder.mkdir()
    for i, (name, values) in enumerate(requests):
        inputs = {}
        for key, value in values.items():
            file = folder / f"{i}_{key}.in"
            np.ascontiguousarray(value).tofile(file)
            inputs[key] = {"dtype": value.dtype.name, "shape": value.shape, "file": str(file)}
        outputs = {key: str(folder / f"{i}_{key}.out") for key in signatures[name].outputs}
        job["requests"].append({"signature": name, "inputs": inputs, "outputs": outputs})
    (folder / "job.json").write_text(json.dumps(job))
    _call(["node", str(_PROGRAM), str(folder / "job.json")], folder)
    return [{k: _read(f) for k, f in r["outputs"].items()} for r in job["requests"]]


def _read(file):
    told = json.loads(pathlib.Path(f"{file}.json").read_text())
    assert told["dtype"] == "float32"
    return np.fromfile(file, np.float32).reshape(told["shape"])


@pytest.mark.parametrize("name", flows.NAMES)
def test_every_signature_in_batches_of_5_and_of_1(name, package, tmp_path):
    case = test_export.Case(name, tmp_path)
    sent, expected = test_export.requests(), case.expected()
    names = sorted(test_export.SIGNATURES)
    batches = [(n, sent[n]) for n in names]
    rows = [(n, test_export.of_rows(sent[n], slice(i, i + 1))) for n in names for i in range(5)]
    answers = run(package, case.path, [*batches, *rows], tmp_path / "files")
    together = dict(zip(names, answers, strict=False))
    for n, answer in together.items():
        test_export.assert_as_expected(answer, expected[n], skip_third=n == "sample")
    for i, ((n, _), answer) in enumerate(zip(rows, answers[len(names) :], strict=True)):
        for key, value in answer.items():
            test_export.close(value, together[n][key][i % 5 : i % 5 + 1])


def test_labels_and_no_rows(package, tmp_path):
    keras.utils.set_random_seed(0)
    flow = flows.trained("glow", classes=3)
    path = tfflows.export_saved_model(flow, tmp_path / "labels")
    x, labels = (flows.images(5) + 0.25).astype(np.float32), np.array([0, 1, 2, 0, 1], np.int32)
    requests = [("log_prob", {"x": x, "condition": labels})]
    requests += [("encode", {"x": x[:0], "condition": labels[:0]})]
    told, nothing = run(package, path, requests, tmp_path / "files")
    test_export.close(told["log_prob"], flow.log_prob(x, labels))
    assert nothing["z"].shape == (0, 16) and nothing["log_prob"].shape == (0,)


def test_a_seed_is_the_same_sample_in_every_process(package, tmp_path):
    keras.utils.set_random_seed(0)
    path = tfflows.export_saved_model(flows.trained("realnvp"), tmp_path / "model")
    draw = {"seed": np.array([[3, 4]], np.int32), "temperature": np.ones(1, np.float32)}
    other = {**draw, "seed": np.array([[3, 5]], np.int32)}
    first, second = run(package, path, [("sample", draw), ("sample", other)], tmp_path / "first")
    (again,) = run(package, path, [("sample", draw)], tmp_path / "second")
    np.testing.assert_array_equal(first["x"], again["x"])
    assert abs(first["x"] - second["x"]).max() > 1e-2
    (witness,) = engine.run(path, [("sample", draw)], tmp_path)
    test_export.close(first["x"], witness["x"])
