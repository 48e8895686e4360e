"""`benchmarks.checks` for a few steps."""

import pytest

from benchmarks import checks
from tests.benchmarks import command


def run(*arguments):
    lines = []
    results = checks.run(command.parsed(checks, *arguments), progress=lines.append)
    return results, "\n".join(lines)


def test_checks():
    arguments = (
        "--steps=4",
        "--rounds=2",
        "--ready",
        "--steps_per_execution=2",
        "--data=points,bytes",
    )
    results, text = run(*arguments)
    (table,) = command.tables(text)
    assert [row["data"] for row in table] == ["points", "bytes"]
    for kind in ("points", "bytes"):
        assert {len(times) for times in results["seconds"][kind].values()} == {2}


@pytest.mark.parametrize(
    "argument, message",
    [
        ("--data=text", "Expected data of points, floats.* Received: data='text'"),
        ("--steps_per_execution=7", "divide the 400 steps. Received: steps_per_execution=7"),
    ],
)
def test_refused(argument, message):
    with pytest.raises(ValueError, match=message):
        run(argument)
