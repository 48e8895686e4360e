"""Whether Keras still fails on several workers: when a test here does, `workers` has less to do."""

import json

import pytest

from tests.workers import cluster


@pytest.fixture(scope="module")
def outcomes():
    """What became of each try of plain Keras on two workers, as the first tells it."""
    stdout = cluster.run(("tests.workers.upstream",), ("tests.workers.upstream",))[0]
    return json.loads(stdout.strip().splitlines()[-1])


def test_keras_builds_models_with_a_batch_of_several_workers(outcomes):
    assert "PerReplica" in outcomes["reduced"] or "reduce" in outcomes["reduced"], (
        f"_maybe_symbolic_build of our own may no longer be needed: {outcomes['reduced']!r}"
    )


def test_keras_reduces_scalars_along_an_axis(outcomes):
    assert "Invalid reduction dimension" in outcomes["not built again"], (
        f"workers.reducible may no longer be needed: {outcomes['not built again']!r}"
    )


def test_that_is_all_it_takes(outcomes):
    assert outcomes["mended"] == ""


def test_keras_cannot_make_several_steps_a_call(outcomes):
    assert "must feed a value for placeholder" in outcomes["several steps"], (
        f"workers.check_steps may no longer be needed: {outcomes['several steps']!r}"
    )
