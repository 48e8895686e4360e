"""Rounds, ratios, tables and flags, on made-up steps: no clock is read here."""

import json

import pytest

from benchmarks import contenders, load, memory, program, report, rounds, settings, startup, step
from tests.benchmarks import command


def timings(**steps):
    return {name: rounds.Timing(1.0, 2.0, values) for name, values in steps.items()}


def test_ratios_are_of_the_same_round():
    rows = report.ratios(timings(a=[1.0, 9.0, 4.0], b=[2.0, 3.0, 4.0]), [("a", "b"), ("b", "a")])
    assert rows == [
        {"ratio": "a / b", "median": 1.0, "least": 0.5, "most": 3.0, "of least": 0.5},
        {"ratio": "b / a", "median": 1.0, "least": 0.333, "most": 2.0, "of least": 2.0},
    ]


def test_ratios_need_both():
    assert not report.ratios(timings(a=[1.0]), [("a", "b"), ("b", "a")])


def test_steps_are_medians_in_milliseconds():
    (row,) = report.steps(timings(a=[0.001, 0.009, 0.004]))
    assert (row["median ms"], row["least ms"], row["most ms"]) == (4.0, 1.0, 9.0)
    assert (row["build s"], row["first step s"]) == (1.0, 2.0)


def test_tables_are_markdown():
    rows = [{"name": "a", "ms": 1.5}, {"name": "longer", "ms": 22}]
    text = report.table(rows)
    assert command.tables(text) == [[{"name": "a", "ms": "1.5"}, {"name": "longer", "ms": "22"}]]
    lines = text.split("\n")
    assert lines[1] == "| ------ | --: |" and len({len(line) for line in lines}) == 1
    assert report.table([]) == ""


def test_results_are_written_as_json(tmp_path):
    chosen = settings.resolve(command.parsed(step))
    report.write(tmp_path / "a.json", settings=chosen, ratios=[1])
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["settings"]["width"] == chosen.width and content["ratios"] == [1]


def test_environment_has_no_folder(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/a/benchmarks/step.py", "--b=/c/bin/python", "--d=1"])
    found = report.environment(torch="1")
    assert found["command"] == "python -m benchmarks.step --b=python --d=1"
    assert found["tensorflow"] and found["torch"] == "1" and found["cores"] >= 1


class Steps:
    """Made-up contenders that write down the order in which they are run."""

    def __init__(self, *names):
        self.order = []
        self.makers = {name: lambda name=name: lambda: self._step(name) for name in names}

    def _step(self, name):
        self.order.append(name)
        return float(len(self.order)), -1.0


def test_a_round_runs_each_once_and_every_second_one_backwards():
    steps = Steps("a", "b", "c")
    measured, others = rounds.measure(steps.makers, 3, report=lambda line: None)
    after_first = ["".join(steps.order[i : i + 3]) for i in range(3, len(steps.order), 3)]
    assert set(after_first) == {"abc", "cba"}
    assert after_first[1] != after_first[2] != after_first[3] and len(after_first) == 4
    assert len(others) == 3
    assert measured["a"].first == 1.0 and measured["c"].value == -1.0
    # The first two steps of each are not among the timed ones.
    assert sorted(s for t in measured.values() for s in t.steps) == list(range(7, 16))


def test_disturbed_rounds_are_run_again_but_not_for_ever(monkeypatch):
    shares = iter([0.0, 0.9] + [0.0, 0.1] + [0.0, 0.9] * 7)
    monkeypatch.setattr(load.Others, "share", lambda self: next(shares))
    steps = Steps("a")
    measured, others = rounds.measure(steps.makers, 3, lambda line: None, max_others=0.5)
    assert others == [0.1, 0.9, 0.9] and len(measured["a"].steps) == 3
    assert len(steps.order) == 2 + 9


def test_load_of_others_is_a_share():
    others = load.Others()
    assert all(0.0 <= others.share() <= 1.0 for _ in range(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--contenders=train,fast"], r"Expected contenders of train, .* contenders='fast'"),
        (["--contenders=train,train"], "Expected contenders, each once"),
        (["--contenders="], "Expected at least one contender"),
        (["--model=nice", "--contenders=tfb_train"], "Expected glow .* model='nice'"),
        (["--model=nice", "--levels=2"], "Expected no levels for nice. Received: levels=2"),
        (["--contenders=normflows_train"], "normflows_python=None"),
        (["--contenders=normflows_train", "--normflows_python=/no"], "normflows_python='/no'"),
    ],
)
def test_wrong_flags_of_step(arguments, message):
    with pytest.raises(ValueError, match=message):
        step.run(command.parsed(step, *arguments), progress=lambda line: None)


@pytest.mark.parametrize(
    ("tool", "argument", "message"),
    [
        (memory, "--depths=8,0", r"Expected depths, ints .* depths=\['8', '0'\]"),
        (memory, "--modes=fast", "Expected modes of plain, recompute. Received: modes='fast'"),
        (startup, "--contenders=nice", "Expected contenders of flow, tfb"),
    ],
)
def test_wrong_flags_of_others(tool, argument, message):
    with pytest.raises(ValueError, match=message):
        tool.run(command.parsed(tool, argument), progress=lambda line: None)


def test_errors_end_a_program_with_their_message(monkeypatch, capsys):
    def run():
        raise ValueError("Expected a. Received: b=1")

    monkeypatch.setattr("sys.argv", ["step"])
    monkeypatch.setattr(program.app, "run", lambda main: main(["step"]))
    with pytest.raises(SystemExit, match="1"):
        program.main(lambda: None, run)
    assert capsys.readouterr().err == "Expected a. Received: b=1\n"


def test_models_get_only_what_differs_from_their_defaults():
    chosen = settings.resolve(command.parsed(step, "--width=3"))
    assert chosen.arguments == {"levels": 3, "depth": 8, "width": 3}
    flags = ("--model=nice", "--precision=mixed_bfloat16", "--recompute")
    chosen = settings.resolve(command.parsed(step, *flags))
    assert chosen.arguments == {
        "depth": 4,
        "width": 1000,
        "precision": "mixed_bfloat16",
        "recompute": True,
    }
    assert chosen.event_shape == (28, 28, 1)


def test_every_pair_is_of_contenders():
    assert {name for pair in contenders.PAIRS for name in pair} <= set(contenders.CONTENDERS)
    assert set(contenders.DEFAULT) <= set(contenders.CONTENDERS)
