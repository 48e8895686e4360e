"""Every error of the bijectors: its type, its form, and that no raise is left untested."""

import ast
import pathlib
import re
import traceback

import pytest

import tfflows.bijectors as tfb
from tests.bijectors.errors import ERRORS, zeros

ROOT = pathlib.Path(tfb.__file__).parent


ABSTRACT = {
    "Bijector._forward_and_log_det": lambda: tfb.Bijector((2,)).forward_and_log_det(zeros(2)),
    "Bijector._inverse_and_log_det": lambda: tfb.Bijector((2,)).inverse_and_log_det(zeros(2)),
    "Transform.forward": lambda: tfb.Transform().forward(zeros(2), zeros(2)),
    "Transform.inverse": lambda: tfb.Transform().inverse(zeros(2), zeros(2)),
    "Affine._log_scale": lambda: tfb.Affine().forward(zeros(2), zeros(4)),
}


def raised_by(call):
    """The exception of a call, and the file and line of ours that raised it."""
    with pytest.raises((ValueError, TypeError, NotImplementedError)) as info:
        call()
    frame = [f for f in traceback.extract_tb(info.tb) if f.filename.startswith(str(ROOT))][-1]
    return info.value, (pathlib.Path(frame.filename).name, frame.lineno)


@pytest.mark.parametrize("name", ERRORS)
def test_message(name):
    call, kind, expected, received = ERRORS[name]
    error, _ = raised_by(call)
    assert type(error) is kind
    first, _, second = str(error).partition(" Received: ")
    assert (
        re.search(expected, first) and first.startswith("Expected ") and first.endswith((".", ")"))
    )
    assert re.search(received, second) and re.match(r"[a-z_]+[\w.\[\]]*=", second)


@pytest.mark.parametrize("name", ABSTRACT)
def test_what_a_subclass_must_define(name):
    error, _ = raised_by(ABSTRACT[name])
    assert isinstance(error, NotImplementedError) and str(error) == name


def test_every_raise_is_reached():
    reached = {raised_by(call)[1] for call, *_ in ERRORS.values()}
    reached |= {raised_by(call)[1] for call in ABSTRACT.values()}
    for path in ROOT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise):
                lines = {(path.name, line) for line in range(node.lineno, node.end_lineno + 1)}
                assert lines & reached, f"no test of the error at {path.name}:{node.lineno}"
