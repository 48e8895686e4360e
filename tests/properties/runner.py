"""Runs properties by hypothesis and counts their cases: none may be dropped in silence.

A case draws right arguments and, in two of three, a wrong one in place of one. Right ones must
work, and what is made must do what the property says; a wrong one must be refused by a ValueError
or TypeError that has its name and its value.
"""

import functools
import math
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
      spoiled: Whether one argument is wrong in every case, where right ones would take too long.
    """

    call: Callable
    arguments: dict
    works: Callable = lambda result, arguments, rng: None
    many: int = 60
    spoiled: bool = False


def check(name, row, *, deep):
    """Runs the cases of a row; the deep run draws them anew each time.

    A third of them has right arguments; of the others each argument that can be wrong has a share.
    Two cases, one of either kind, are few.
    """
    fallible = [n for n, kind in row.arguments.items() if strategies.can_be_wrong(kind)]
    right = 0 if row.spoiled else row.many // 3
    share = math.ceil((row.many - right) / len(fallible))
    plan = {None: right, **dict.fromkeys(fallible, share)}
    if not deep:
        plan = {None: min(right, 1), fallible[len(name) % len(fallible)]: 1}
    for changed, examples in plan.items():
        if examples:
            case = functools.partial(_case, row, changed)
            run(name, cases(row.arguments, changed), case, examples, deep)


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
def cases(draw, kinds, changed=None):
    """Arguments, of which one is wrong or none, and a seed."""
    arguments = {name: draw(kind.right) for name, kind in kinds.items()}
    if changed is not None:
        arguments[changed] = draw(strategies.wrong(kinds[changed]))
    return arguments, draw(strategies.SEEDS)


def _case(row, changed, drawn):
    arguments, seed = drawn
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
    forms = {repr(value), str(value)}
    if isinstance(value, type):
        forms.add(value.__name__)
    else:  # its name, shape and dtype, as far as it has them
        forms |= {str(getattr(value, a)) for a in ("name", "shape") if hasattr(value, a)}
        forms.add(getattr(getattr(value, "dtype", None), "name", ""))
    if not isinstance(value, dict | set):
        forms |= _of_array(np.asarray(value, object)) if _is_list(value) else _SCALAR
    return forms - {""}


_SCALAR = {"shape=()", "dtype=string", "dtype=float32", "dtype=float64", "dtype=bool"}
_SCALAR |= {"dtype=complex128"}


def _is_list(value):
    return isinstance(value, list | tuple | np.ndarray)


def _of_array(elements):
    """Of a whole array also what is wrong with its elements."""
    forms = {
        "dtype=float32",
        f"shape={elements.shape}",
        repr(tuple(elements)) if elements.ndim else "",
    }
    forms |= {repr(element) for element in elements.flat} if elements.size else _SCALAR
    try:
        numbers = np.asarray(elements.tolist())
        forms |= {numbers.dtype.name, f"values from {numbers.min()} to {numbers.max()}"}
        bad = numbers.size - np.count_nonzero(np.isfinite(numbers))
        forms.add(f"{bad} of {numbers.size} not finite")
    except (TypeError, ValueError, OverflowError):  # text has no least value
        forms.add("dtype=string")
    return forms
