"""The test suite: a package, so that its rooms can share `tests.reference`."""
