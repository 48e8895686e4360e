"""Four logical CPU devices for the replica tests, set before TensorFlow starts, and fixed seeds."""

import itertools

import trainers  # noqa: F401  before TensorFlow, whose start-up remarks it holds back

# isort: split
import keras
import pytest
import tensorflow as tf

_CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(_CPU, [tf.config.LogicalDeviceConfiguration()] * 4)

# Every strategy numbers its collectives from the same start, and TensorFlow takes those of a second
# strategy in a process for those of the first. This number is TensorFlow's own way out for tests.
_bases = itertools.count(start=0, step=1000)
tf.distribute.MirroredStrategy._collective_key_base = property(lambda self: next(_bases))


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def two_replicas():
    """A strategy of the first two devices."""
    return tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
