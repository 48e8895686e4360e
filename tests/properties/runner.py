"""Runs properties by hypothesis and counts their cases: none may be dropped in silence.

A case draws right arguments and, in two of three, makes one of them wrong. Right arguments must
work, and what is made must do what the property says; a wrong one must be refused by a ValueError
or TypeError that has its name and its value.
"""

import re
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis
import numpy as np
import pytest
from hypothesis import configuration
from hypothesis import strategies as st

from tests.properties import strategies

# Nothing is kept from run to run, not even beside the sources.
configuration.set_hypothesis_home_dir(tempfile.mkdtemp(prefix="hypothesis-"))

ROUNDS = pytest.mark.parametrize(
    "deep", [False, pytest.param(True, marks=pytest.mark.deep)], ids=["few", "many"]
)
counted = {}  # cases that were run to their ends, by the name of the property


class Row(NamedTuple):
    """A function of the package with the kinds of its arguments.

    Attributes:
      call: The function or class.
      arguments: `Kind`s by the names of the arguments.
      works: What must hold of a result, a function of it, the arguments and a generator.
      many: Cases of the deep run.
    """

    call: Callable
    arguments: dict
    works: Callable = lambda result, arguments, rng: None
    many: int = 40


def check(name, row, *, deep):
    """Runs the cases of a row; the deep run draws them anew each time."""
    run(name, cases(row.arguments), lambda case: _case(row, *case), row.many if deep else 2, deep)


def run(name, strategy, case, examples, deep):
    """Runs `case(value)` for so many values of a strategy, and counts."""
    before = counted.get(name, 0)

    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=not deep,
        print_blob=deep,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def cases_of(value):
        case(value)
        counted[name] = counted.get(name, 0) + 1

    cases_of()
    assert counted[name] - before >= examples, f"{counted[name] - before} of {examples} cases"


@st.composite
def cases(draw, kinds):
    """Arguments, the name of the one that is wrong or None, and a seed."""
    arguments = {name: draw(kind.right) for name, kind in kinds.items()}
    fallible = [n for n, k in kinds.items() if not k.is_right(_NOTHING)]
    changed = draw(st.sampled_from([None, *fallible, *fallible])) if fallible else None
    if changed is not None:
        arguments[changed] = draw(strategies.wrong(kinds[changed]))
    return arguments, changed, draw(strategies.SEEDS)


_NOTHING = strategies.Odd()  # wrong for every argument that can be wrong


def _case(row, arguments, changed, seed):
    if changed is None:
        result = row.call(**arguments)
        row.works(result, arguments, np.random.default_rng(seed))
    else:
        refused(lambda: row.call(**arguments), changed, arguments[changed])


def refused(call: Callable, name: str, value: Any):
    """Asserts that a call is refused in the project's form, for the value of an argument."""
    received = _printed(value)
    try:
        result = call()
    except (ValueError, TypeError) as error:
        text = str(error)
        assert re.search(rf"\b{name}\b", text), f"no {name} in: {text}"
        assert any(part in text for part in received), f"none of {received} in: {text}"
        return
    raise AssertionError(f"{name}={value!r} was taken, and gave {result!r}")


def _printed(value):
    """The forms in which a message may show a value; taken before the call, which may wrap it."""
    forms = {repr(value), str(value)} - {""}
    if isinstance(value, type):
        forms.add(value.__name__)
    if isinstance(value, list | tuple | np.ndarray) and np.ndim(np.asarray(value, object)):
        forms |= {repr(tuple(value)), *map(repr, value)}
        forms.add(f"shape={np.shape(np.asarray(value, object))}")
    for attribute in ("name", "shape", "dtype"):
        if not isinstance(value, type) and hasattr(value, attribute):
            forms.add(f"{attribute}={getattr(value, attribute)}")
            forms.add(str(getattr(value, attribute)))
    return forms - {""}
