"""What the tests of bad data share: data with a value put in, data sets of them, messages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows
from tfflows.models import refusals

X = flows.images(24)
FLOATS = X.astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, 24)
LOOPS = ("fit", "evaluate", "predict")


def put(array, index, value, dtype=None):
    """A copy of an array with a value in a place."""
    array = array.astype(dtype or array.dtype)
    array[index] = value
    return array


def batched(data, size=8):
    return tf.data.Dataset.from_tensor_slices(data).batch(size)


def compiled(flow, **options):
    flow.compile(keras.optimizers.SGD(1e-3), **{"jit_compile": False, **options})
    return flow


def raised(call, kind=refusals.DataError):
    """The message of the error that a call raises."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return str(caught.value)
