"""How many cases there are: so many that a deep run is worth its minutes, and all of them run."""

import pytest

from tests.properties import runner, test_bijectors, test_data, test_methods, test_models
from tests.properties import test_networks as networks

DEEP = 2000
TABLES = (test_bijectors, test_data, test_methods, test_models, networks)


def test_the_deep_run_has_its_cases():
    assert sum(row.many for table in TABLES for row in table.ROWS.values()) >= DEEP


def test_fewer_cases_than_asked_for_are_an_error():
    def half(value):
        runner.hypothesis.assume(value % 2)

    with pytest.raises(AssertionError, match="of 8 cases"):
        runner.run("few", runner.st.integers(0, 7), half, 8, False)


def test_a_wrong_argument_must_be_refused_by_name_and_value():
    def refuse(name, value):
        raise ValueError(f"Expected {name}. Received: {name}={value!r}")

    runner.refused(lambda: refuse("width", 0), "width", 0)
    with pytest.raises(AssertionError, match="no width"):
        runner.refused(lambda: refuse("depth", 0), "width", 0)
    with pytest.raises(AssertionError, match="none of"):
        runner.refused(lambda: refuse("width", 1), "width", -7)
    with pytest.raises(AssertionError, match="was taken"):
        runner.refused(lambda: None, "width", 0)
    with pytest.raises(ZeroDivisionError):
        runner.refused(lambda: 1 // 0, "width", 0)
