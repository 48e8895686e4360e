"""What both clients answer is what the flow says, through the real wire formats of a stand-in."""

import io
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from examples.serving import client
from tests.models import flows

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = 5
SIGNATURES = (
    *("log_prob", "serving_default", "encode", "decode", "sample", "interpolate", "anomaly_score"),
    *(f"{name}_integers" for name in ("log_prob", "encode", "interpolate", "anomaly_score")),
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def request_of(signature):
    integers = flows.images(ROWS, seed=1).astype(np.int32)
    x = integers if "integers" in signature else (integers + 0.5).astype(np.float32)
    if signature == "decode":
        return {"z": np.random.default_rng(1).standard_normal((ROWS, 16)).astype(np.float32)}
    if signature == "sample":
        seed = np.stack([np.arange(ROWS), np.zeros(ROWS)], axis=1).astype(np.int32)
        return {"seed": seed, "temperature": np.linspace(0, 1, ROWS).astype(np.float32)}
    if signature.startswith("interpolate"):
        return {"x1": x, "x2": x[::-1], "fraction": np.linspace(0, 1, ROWS).astype(np.float32)}
    return {"x": x}


def of_flow(flow, signature, x1=None, x2=None, fraction=None, x=None, z=None, **draw):
    """What Python answers, by output; interpolations and samples by their ends."""
    if signature == "decode":
        return {"x": flow.decode(z)}
    if signature == "sample":
        seeds, temperatures = draw["seed"][:, 0], draw["temperature"]
        rows = zip(seeds, temperatures, strict=True)
        return {"x": np.concatenate([flow.sample(1, float(t), seed=int(s)) for s, t in rows])}
    if signature.startswith("interpolate"):
        fraction = fraction[:, None]
        return {"x": flow.decode((1 - fraction) * flow.encode(x1) + fraction * flow.encode(x2))}
    if signature.startswith("encode"):
        return dict(zip(("z", "log_prob"), flow.encode_and_log_prob(x), strict=True))
    if signature.startswith("anomaly"):
        return flow.anomaly_score(x)
    log_prob = flow.log_prob(x)
    return {"log_prob": log_prob, "bits_per_dim": -log_prob / (16 * np.log(2))}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_signature_answers_as_python(ask, model, flow, signature):
    arrays = request_of(signature)
    outputs = ask(f"--signature={signature}", "--batch_size=2", arrays=arrays)
    assert model.sizes == [2, 2, 1]
    expected = of_flow(flow, signature, **arrays)
    assert set(outputs) == set(expected)
    for name, value in expected.items():
        assert outputs[name].dtype == np.float32
        np.testing.assert_allclose(outputs[name], value, rtol=1e-3, atol=1e-3)


def test_the_list_of_signatures_is_whole(served):
    found = {name for name, s in served[0].map.signature_def.items() if s.inputs}
    assert found == set(SIGNATURES)


def test_samples_are_drawn_and_written(ask, flow, tmp_path):
    path = tmp_path / "x.npz"
    flags = ("--signature=sample", "--count=4", "--temperature=0.5", "--seed=3")
    ask(*flags, f"--output={path}")
    with np.load(path) as written:
        x = written["x"]
    np.testing.assert_allclose(x[:1], flow.sample(1, 0.5, seed=3), rtol=1e-4, atol=1e-3)
    assert len(np.unique(x.reshape(4, -1), axis=0)) == 4
    assert ask.lines == [f"x: shape [4, 4, 4, 1], mean {x.mean():.6g}"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.npz"]
    np.testing.assert_array_equal(ask(*flags)["x"], x)
    assert not np.isclose(ask(*flags[:-1], "--seed=4")["x"], x).all()


def test_a_version_or_a_label_is_asked_for(ask):
    draw = ("--signature=sample", "--count=1")
    for chosen in ("--version=7", "--label=stable"):
        np.testing.assert_array_equal(ask(*draw, chosen)["x"], ask(*draw)["x"])
    with pytest.raises(client.ClientError, match="a model of .*flow.*8"):
        ask(*draw, "--version=8")
    with pytest.raises(client.ClientError, match="label: old"):
        ask(*draw, "--label=old")


def test_files_are_read_by_name(ask, tmp_path):
    x = flows.images(3)  # uint8, of which int32 is a wider kind
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "more.npz", x=x, y=x)
    outputs = ask("--signature=encode_integers", f"--input=x={tmp_path / 'x.npy'}")
    again = ask("--signature=encode_integers", f"--input=x={tmp_path / 'more.npz'}")
    np.testing.assert_array_equal(outputs["z"], again["z"])


def test_rows_of_nan_are_reported(ask):
    x = request_of("log_prob")["x"]
    x[1, 0, 0, 0] = np.nan
    x[2, 0, 0, 0] = np.inf
    outputs = ask(arrays={"x": x}, stream=io.StringIO())
    assert np.isnan(outputs["log_prob"]).tolist() == [False, True, True, False, False]
    mean = outputs["log_prob"][[0, 3, 4]].mean()
    assert ask.lines[-1] == "2 of 5 rows are NaN, refused by the model: rows 1, 2"
    assert f"log_prob: shape [5], mean {mean:.6g}" in ask.lines
    ask("--signature=sample", "--count=20", "--temperature=9")
    assert ask.lines[-2] == "x: shape [20, 4, 4, 1], mean none"
    assert ask.lines[-1].startswith("20 of 20 rows") and ask.lines[-1].endswith("8, 9, ...")


def test_progress_is_for_terminals_and_long_runs(ask):
    draw = ("--signature=sample", "--count=5", "--batch_size=2")
    terminal, file = Terminal(), io.StringIO()
    ask(*draw, stream=terminal)
    ask(*draw, stream=file)
    lines = terminal.getvalue().split("\r")[1:]
    assert [line.split(" rows")[0] for line in lines] == ["2 of 5", "4 of 5", "5 of 5"]
    assert all("rows/s" in line for line in lines) and lines[-1].endswith("\n")
    assert file.getvalue() == ""
    with client.Progress(1000, file, every=0.0) as progress:
        progress.show(500)
    assert file.getvalue().startswith("500 of 1,000 rows, ") and file.getvalue().count("\n") == 1


@pytest.mark.parametrize("proxy", ["http_proxy", "HTTP_PROXY"])
def test_no_proxy_stands_before_this_machine(ask, monkeypatch, proxy):
    monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert ask("--signature=sample", "--count=1", "--timeout=5")["x"].shape == (1, 4, 4, 1)


def test_answers_may_be_large(ask):
    if ask.kind == "rest":
        rows = 20_000
    else:
        rows = 70_000  # 4.5 MB, and gRPC's own bound is 4
        z = np.zeros((rows, 16), np.float32)
        with pytest.raises(client.ClientError, match="--max_message_mb, else .*=1: .*larger"):
            ask("--signature=decode", f"--batch_size={rows}", "--max_message_mb=1", arrays={"z": z})
    z = np.random.default_rng(0).standard_normal((rows, 16)).astype(np.float32)
    x = ask("--signature=decode", f"--batch_size={rows}", arrays={"z": z})["x"]
    assert x.shape == (rows, 4, 4, 1) and np.isfinite(x).all()


def program(kind, *arguments):
    """Runs a client in a process of its own."""
    module = f"examples.serving.{kind}_client"
    command = [sys.executable, "-m", module, "--model=flow", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_commands_answer(ask, tmp_path):
    draw = ("--signature=sample", "--count=2", f"--output={tmp_path / 'x.npz'}")
    done = program(ask.kind, f"--server=localhost:{ask.port}", *draw)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("x: shape [2, 4, 4, 1], mean ")
    assert np.load(tmp_path / "x.npz")["x"].shape == (2, 4, 4, 1)


def test_a_users_error_is_one_line(served):
    server = f"--server=localhost:{served[1]['rest']}"
    for flag, message in [
        ("--signature=draw", "Expected a signature of flow, one of anomaly_score, "),
        ("--count=some", "flag --count=some"),
        ("more", "Expected flags only. Received: 'more'"),
    ]:
        failed = program("rest", server, flag)
        assert failed.returncode == 1 and not failed.stdout
        assert failed.stderr.startswith(f"rest_client: {message}"), failed.stderr
        assert failed.stderr.count("\n") == 1
    assert "--batch_size" in program("rest", "--help").stdout


def test_the_rest_client_needs_neither_tensorflow_nor_tfflows():
    code = (
        "import sys, examples.serving.rest_client; print(*{m.split('.')[0] for m in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    names = set(done.stdout.split())
    assert "numpy" in names and not names & {"tensorflow", "tfflows", "trainers", "keras", "grpc"}
