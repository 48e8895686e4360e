"""`benchmarks.drift` on a model of next to nothing."""

import pytest

from benchmarks import drift
from tests.benchmarks import command

TINY = ("--width=4", "--size=4", "--batch=2")


def test_drift():
    results, text = command.run(drift, "--depths=1,2", *TINY)
    (table,) = command.tables(text)
    assert [row["depth"] for row in table] == ["1", "2"]
    for row in results["drift"]:
        assert 0 <= float(row["rms error"]) <= float(row["largest error"]) < 1e-3
        assert float(row["gradient error"]) < 1e-3


def test_without_noise_nothing_but_rounding_is_left():
    results, _ = command.run(drift, "--depths=1", "--noise=0", *TINY)
    assert float(results["drift"][0]["largest error"]) < 1e-5


def test_depths_are_checked():
    with pytest.raises(ValueError, match=r"Expected depths.*Received: depths=\['x'\]"):
        command.run(drift, "--depths=x", *TINY)
