"""No seed for each test: all numbers here have their own, and a new global seed costs a third of the
time, since TensorFlow then forgets its kernels."""

import pytest


@pytest.fixture(autouse=True)
def _seed():
    """Takes the place of the fixture in tests/conftest.py."""
