"""`benchmarks.memory` and `benchmarks.startup`, each with one process of its own."""

import json

import pytest

from benchmarks import children, memory, startup, startup_child
from tests.benchmarks import command


def test_memory(tmp_path):
    path = tmp_path / "memory.json"
    flags = ("--depths=1", "--modes=plain", "--steps=1", f"--json={path}")
    results, text = command.run(memory, *flags)
    (table,) = command.tables(text)
    assert [(row["mode"], row["depth"]) for row in table] == [("plain", "1")]
    assert 0 < float(table[0]["step MB"]) < float(table[0]["before MB"])
    assert json.loads(path.read_text())["memory"] == results["memory"]


def test_memory_compares_with_the_first_depth_of_the_mode(monkeypatch):
    def ask(module, question, environment):
        chosen = question["settings"]
        peak = chosen["depth"] * (1 if chosen["recompute"] else 3) + 7
        return dict.fromkeys(("before", "least", "most", "weights"), 0) | {"peak": 1e6 * peak}

    monkeypatch.setattr(children, "ask", ask)
    results, text = command.run(memory, "--depths=1,5")
    assert [row["of steps"] for row in results["ratios"]] == [2.2, 1.5]
    assert results["ratios"][1]["ratio"] == "recompute: depth 5 / 1"
    assert [row["step MB"] for row in command.tables(text)[0]] == ["10", "22", "8", "12"]


def test_startup(tmp_path):
    path = tmp_path / "startup.json"
    results, text = command.run(startup, "--repeats=0", f"--json={path}")
    (table,) = command.tables(text)
    assert table[0]["contender"] == "flow" and int(table[0]["nodes"]) > 100
    assert json.loads(path.read_text())["models"] == results["models"]


def test_startup_adds_up(monkeypatch):
    laps = {"build": 1.0, "initialize": 2.0, "first step": 4.0, "second step": 0.5, "nodes": 9}
    imports = iter([{"hosts": 5.0, "tfflows on top": 0.1}, {"hosts": 7.0, "tfflows on top": 0.3}])

    def ask(module, question):
        return next(imports) if question["what"] == "imports" else dict(laps)

    monkeypatch.setattr(children, "ask", ask)
    results, text = command.run(startup, "--repeats=2", "--contenders=flow,tfb")
    assert [row["median s"] for row in results["imports"]] == [6.0, 0.2]
    assert [(row["ready s"], row["trained s"]) for row in results["models"]] == [(3.0, 7.0)] * 2
    assert len(command.tables(text)) == 2


def test_imports_are_timed_one_after_the_other():
    assert list(startup_child.main("imports")) == ["hosts", "tfflows on top"]


def test_tfp_until_the_second_step():
    chosen = vars(startup.settings.resolve(command.parsed(startup, *command.SMALL)))
    laps = startup_child.main("tfb", chosen)
    assert list(laps) == ["build", "initialize", "first step", "second step", "nodes"]
    assert all(value >= 0 for value in laps.values()) and laps["nodes"] > 100


def test_what_fails_in_a_process_is_an_error():
    with pytest.raises(ValueError, match="Expected a measurement of .*'what': 'x'.*KeyError: 'x'"):
        children.ask("startup_child", {"what": "x", "sizes": {}})
