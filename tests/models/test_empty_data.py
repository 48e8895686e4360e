"""Data without examples: every loop says so, of every kind of data."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows
from tfflows.models import refusals

X = flows.images(8)


class NoBatches(keras.utils.PyDataset):
    """Of none."""

    def __len__(self):
        return 0

    def __getitem__(self, index):
        raise IndexError(index)


def generator():
    yield from ()


def sliced(x):
    return tf.data.Dataset.from_tensor_slices(x).batch(4)


EMPTY = {
    "array": (lambda: X[:0], r"x\.shape=\(0, 4, 4, 1\)"),
    "tensor": (lambda: tf.constant(X[:0]), r"x\.shape=\(0, 4, 4, 1\)"),
    "data set": (lambda: sliced(X[:0]), "x=<_BatchDataset .*>"),
    "data set of unknown length": (lambda: sliced(X).filter(lambda x: False), "x=<_FilterDat.*>"),
    "batches of nothing": (
        lambda: sliced(X).map(lambda x: x[:0]).filter(lambda x: True),
        "x=<_FilterDataset .*>",
    ),
    "batch of nothing": (lambda: tf.data.Dataset.from_tensors(X[:0]), r"x\.shape=\(0, 4, 4, 1\)"),
    "generator": (generator, "x=<generator .*>, which yields nothing"),
    "PyDataset": (NoBatches, "x=<.*NoBatches .*> of 0 batches"),
}


@pytest.fixture(scope="module")
def flow():
    flow = flows.trained("nice")
    flow.compile("sgd", jit_compile=False)
    return flow


@pytest.mark.parametrize("loop", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("case", EMPTY)
def test_every_loop_refuses(case, loop, flow):
    make, words = EMPTY[case]
    with pytest.raises(refusals.DataError) as caught:
        getattr(flow, loop)(make(), verbose=0, **({"shuffle": False} if loop == "fit" else {}))
    message = f"Expected at least one example in x. Received: {words}"
    assert re.fullmatch(message, str(caught.value))


@pytest.mark.parametrize("case", [case for case in EMPTY if case != "tensor"])
def test_validation_data_are_named(case, flow):
    make, _ = EMPTY[case]
    message = "Expected at least one example in validation_data. Received: "
    with pytest.raises(refusals.DataError, match=message):
        flow.fit(X, validation_data=make(), verbose=0)


def test_a_step_on_nothing_is_refused(flow):
    with pytest.raises(refusals.DataError, match=r"Received: x.shape=\(0, 4, 4, 1\)"):
        flow.train_on_batch(X[:0])


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras', of unknown lengths
def test_later_batches_may_be_empty(flow):
    def batches():
        yield X
        yield X[:0]

    spec = tf.TensorSpec((None, 4, 4, 1), tf.uint8)
    data = tf.data.Dataset.from_generator(batches, output_signature=spec)
    assert len(flow.predict(data, verbose=0)) == 8
    assert len(flow.predict(((x,) for x in batches()), verbose=0)) == 8
    assert np.isfinite(flow.evaluate(data, verbose=0)).all()
