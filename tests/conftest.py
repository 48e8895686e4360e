"""Two logical CPU devices for the replica tests, set before TensorFlow starts, and fixed seeds."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest
import tensorflow as tf

_CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(_CPU, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def two_replicas():
    """The one strategy of the process: a second one would count its collectives from 100 again,
    and TensorFlow takes them for those of the first."""
    return tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
