"""The registry is complete: every public class of the bijectors is in a row."""

import inspect

import pytest
import tensorflow_probability as tfp

from tests.conformance import cases
from tests.conformance.registry import ABSTRACT, EXCEPTIONS, ONE_OF_EACH, ROWS
from tfflows import bijectors as tfb

PUBLIC = {
    name
    for name in tfb.__all__
    if inspect.isclass(getattr(tfb, name))
    and issubclass(getattr(tfb, name), (tfp.bijectors.Bijector, tfb.Transform))
}


def covered(names):
    """Names of the classes of all bijectors and transforms inside the rows."""
    modules = (cases.case(name).bijector for name in names)
    return {type(m).__name__ for module in modules for m in (module, *module.submodules)}


@pytest.mark.parametrize("name", sorted(PUBLIC - set(ABSTRACT)))
def test_is_in_a_row(name):
    assert name in covered(ROWS), f"add a row for {name} to tests/conformance/registry.py"


def test_every_bijector_is_among_one_of_each():
    rows = {type(cases.case(name).bijector).__name__ for name in ROWS}
    assert {type(cases.case(name).bijector).__name__ for name in ONE_OF_EACH} == rows
    bijectors = {n for n in PUBLIC if issubclass(getattr(tfb, n), tfb.Bijector)}
    assert rows == bijectors - set(ABSTRACT)


def test_partitions_are_in_rows():
    couplings = [c for name in ROWS for c in cases.case(name).contains(tfb.Coupling)]
    assert {type(c.partition) for c in couplings} == {tfb.Halves, tfb.Mask}
    assert {c.partition.swap for c in couplings if isinstance(c.partition, tfb.Halves)} == {
        False,
        True,
    }


def test_exceptions_name_public_classes_and_rows():
    assert set(ABSTRACT) <= PUBLIC
    assert {row for _, row in EXCEPTIONS} <= set(ROWS)
    assert all([*ABSTRACT.values(), *EXCEPTIONS.values()])
