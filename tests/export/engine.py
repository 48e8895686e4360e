"""The engine without Python for tests, which are skipped where it cannot be compiled."""

import shutil

import pytest

from benchmarks import engine

meta_graph = engine.meta_graph


def run(path, requests, folder):
    """Answers requests as `benchmarks.engine.run` does."""
    _need_compiler()
    return engine.run(path, requests, folder)


def load(path, requests, folder, **options):
    """Sends requests as `benchmarks.engine.load` does; returns the reports as a list."""
    _need_compiler()
    return list(engine.load(path, requests, folder, **options))


def _need_compiler():
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to compile the program of TensorFlow's C API with")
