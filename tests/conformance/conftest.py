"""No seed for each test: the numbers here have their own, and a new global seed makes TensorFlow
forget its kernels, which costs a third of the time."""

import pytest


@pytest.fixture(autouse=True)
def _seed():
    """Takes the place of the fixture in tests/conftest.py."""
