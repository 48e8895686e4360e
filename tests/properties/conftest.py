"""What several of the properties need."""

import pytest
import tensorflow as tf


@pytest.fixture
def eager():
    """Calls of tf.functions without graphs."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
