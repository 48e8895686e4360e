"""`benchmarks.serving`, with a process of TensorFlow's C API under load."""

import json
import shutil

import pytest

import tfflows
from benchmarks import engine, serving
from tests.benchmarks import command
from tests.models import flows

needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """A folder of versions of a small model."""
    folder = tmp_path_factory.mktemp("exports")
    flow = flows.trained("nice")
    flow.calibrate(flows.images(20))
    tfflows.export_saved_model(flow, folder, 9)
    tfflows.export_saved_model(flow, folder, 10)
    return folder


def run(*arguments):
    lines = []
    results = serving.run(command.parsed(serving, *arguments), progress=lines.append)
    return results, "\n".join(lines)


@needs_compiler
def test_every_signature_is_loaded(exports, tmp_path):
    path = tmp_path / "load.json"
    flags = (f"--export_dir={exports}", "--minutes=0.02", "--rows=1,3", f"--json={path}")
    results, text = run(*flags)
    assert results["first"]["requests"] == 20  # 10 signatures, each of 1 and of 3 rows
    (table,) = command.tables(text)
    assert len(table) == 10 and [row["minutes"] for row in table][-1] == "0.02"
    assert all(float(row["requests/s"]) > 0 and float(row["memory MB"]) > 50 for row in table)
    assert all(0 < float(row["median ms"]) <= float(row["p99 ms"]) for row in table)
    assert json.loads(path.read_text())["load"] == results["load"]


@needs_compiler
def test_the_newest_version_and_the_signatures_named(exports, monkeypatch):
    asked = []

    def load(path, requests, folder, **options):
        asked.extend([path.name, [(n, len(v["z"])) for n, v in requests], options])
        yield {"seconds": 0.0, "requests": 2, "p50_ms": 5, "p99_ms": 9, "rss_kib": 700}
        for i in range(1, 4):
            rss = 1000 * (1 + i)
            yield {"seconds": 6.0 * i, "requests": 3, "p50_ms": 1, "p99_ms": 2, "rss_kib": rss}

    monkeypatch.setattr(engine, "load", load)
    results, text = run(f"--export_dir={exports}", "--signatures=decode", "--rows=2,7")
    options = {"seconds": 60.0, "every": 6.0, "threads": 2}
    assert asked == ["10", [("decode", 2), ("decode", 7)], options]
    assert [row["requests/s"] for row in results["load"]] == [0.5, 0.5, 0.5]
    assert [row["growth MB"] for row in results["load"]] == [0.0, 1.0, 2.0]
    assert "first answers: 2, half of them within 5 ms, the slowest 9 ms" in text


@needs_compiler
def test_an_error_of_the_engine_is_told(exports):
    with pytest.raises(RuntimeError, match="Expected at most 1024 rows in z"):
        run(f"--export_dir={exports}", "--signatures=decode", "--rows=1025", "--minutes=0.01")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--rows=0", "Expected rows, ints of at least 1. Received: rows=.'0'."),
        (
            "--signatures=draw",
            "Expected signatures of anomaly_score, .*Received: signatures='draw'",
        ),
        ("--export_dir=nowhere", "Expected export_dir to have versions .*export_dir='nowhere'"),
    ],
)
def test_what_is_refused(exports, flag, message):
    with pytest.raises(ValueError, match=message):
        run(f"--export_dir={exports}", flag)
