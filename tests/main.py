"""Runs pytest on the folders it is given: the main file of the test targets in BUILD."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
