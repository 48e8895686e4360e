"""Batches that Python code makes: one that is not like the others is an error with its number."""

import functools

import keras
import numpy as np
import pytest

from tests.models import flows
from tfflows.models import refusals

X = flows.images(8)
FLOATS = X.astype(np.float32)
Y = np.arange(8) % 3
LOOPS = ("fit", "evaluate", "predict")


class Batches(keras.utils.PyDataset):
    """Seven batches, the sixth of them another one."""

    def __init__(self, good, bad, **options):
        super().__init__(**options)
        self.good, self.bad = good, bad

    def __len__(self):
        return 7

    def __getitem__(self, index):
        return self.bad if index == 5 else self.good


def generated(good, bad):
    return (bad if index == 5 else good for index in range(7))


def put(array, index, value):
    array = array.copy()
    array[index] = value
    return array


IN = " in batch 5, counted from 0"
OF = " of batch 5, counted from 0"
BAD = {
    "shape": (
        (X,),
        (np.zeros((8, 4, 4, 3), np.uint8),),
        refusals.DataError,
        f"Expected x of shape [*batch, 4, 4, 1]. Received: x.shape=(8, 4, 4, 3){IN}",
    ),
    "floats after integers": (  # which TensorFlow would make 0 of
        (X,),
        (np.full((8, 4, 4, 1), 0.5, np.float32),),
        TypeError,
        f"Expected x of one dtype in all batches, uint8. Received: x.dtype=float32{IN}",
    ),
    "text": (
        (X,),
        (np.full((8, 4, 4, 1), "a"),),
        TypeError,
        f"Expected x of one dtype in all batches, uint8. Received: x.dtype=<U1{IN}",
    ),
    "nan": (
        (FLOATS,),
        (put(FLOATS, (2, 1, 0, 0), np.nan),),
        refusals.DataError,
        f"Expected finite values in x. Received: x[2, 1, 0, 0]=nan, example 2{OF}",
    ),
    "off the bins": (
        (X, Y),
        (put(X, (7, 3, 3, 0), 17), Y),
        refusals.DataError,
        f"Expected integers from 0 to 16 in x. Received: x[7, 3, 3, 0]=17, example 7{OF}",
    ),
    "weights": (
        (X, Y, np.ones(8)),
        (X, Y, put(np.ones(8), 6, np.inf)),
        refusals.DataError,
        f"Expected finite values in sample_weight. Received: sample_weight[6]=inf, example 6{OF}",
    ),
    "too few weights": (
        (X, Y, np.ones(8)),
        (X, Y, np.ones(7)),
        refusals.DataError,
        "Expected sample_weight of shape [8, ...], one for each example. "
        f"Received: sample_weight.shape=(7,){IN}",
    ),
    "weights in a column": (
        (X, Y, np.ones(8)),
        (X, Y, np.ones((8, 1))),
        refusals.DataError,
        "Expected sample_weight of shape [batch], one for each example. "
        f"Received: sample_weight.shape=(8, 1){IN}",
    ),
}


@pytest.fixture(scope="module")
def flow():
    flow = flows.trained("nice")
    flow.compile("sgd", jit_compile=False)
    return flow


@pytest.fixture(scope="module")
def labelled():
    flow = flows.randomize(flows.small("glow", classes=3))
    flow.compile("sgd", jit_compile=False)
    return flow


def check(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind and str(caught.value) == message


@pytest.mark.parametrize("case", BAD)
def test_a_batch_that_is_not_like_the_others(case, flow):
    good, bad, kind, message = BAD[case]
    for make in (generated, Batches):
        check(lambda make=make: flow.evaluate(make(good, bad), verbose=0), kind, message)
    check(lambda: flow.evaluate(Batches(good, bad, workers=2), verbose=0), kind, message)


def test_every_loop(flow):
    good, bad, kind, message = BAD["nan"]
    for loop in LOOPS:
        options = {"shuffle": False} if loop == "fit" else {}
        call = functools.partial(getattr(flow, loop), verbose=0, **options)
        for make in (generated, Batches):
            data = make(good, bad)
            check(functools.partial(call, data), kind, message)
    message = message.replace("in x.", "in x of validation_data.")
    data = Batches(good, bad)
    check(lambda: flow.fit(FLOATS, validation_data=data, verbose=0), kind, message)


def test_the_index_counts_where_batches_are_shuffled(flow):
    good, bad, kind, message = BAD["nan"]
    check(lambda: flow.fit(Batches(good, bad), shuffle=True, verbose=0), kind, message)


def test_the_first_batches_too(flow):
    """Keras looks at them on its own, to tell what will come."""
    _, bad, kind, message = BAD["shape"]
    message = message.replace("batch 5", "batch 0")
    check(lambda: flow.evaluate(iter_of(bad), verbose=0), kind, message)
    check(lambda: flow.evaluate(Batches(bad, bad), verbose=0), kind, message)
    two = (batch for batch in ((X,), (FLOATS,)))
    message = "Expected x of one dtype in all batches, uint8. Received: x.dtype=float32"
    check(lambda: flow.evaluate(two, verbose=0), TypeError, f"{message} in batch 1, counted from 0")


def iter_of(batch):
    return (batch for _ in range(3))


def test_labels(labelled):
    for bad, message in (
        (
            put(Y, 4, 3),
            f"Expected labels from 0 to 2. Received: labels[4]=3, example 4{OF}",
        ),
        (
            Y[:7],
            "Expected labels of shape [8, ...], one for each example. "
            f"Received: labels.shape=(7,){IN}",
        ),
    ):
        for make in (generated, Batches):
            data = make((X, Y), (X, bad))
            check(lambda data=data: labelled.evaluate(data, verbose=0), refusals.DataError, message)


def test_other_processes_send_what_they_find(flow):
    for case in ("nan", "floats after integers"):
        good, bad, kind, message = BAD[case]
        data = Batches(good, bad, workers=2, use_multiprocessing=True)
        check(lambda data=data: flow.evaluate(data, verbose=0), kind, message)


def test_an_error_of_the_code_itself_is_its_own(flow):
    def failing():
        yield from ((X,), (X,), (X,))
        raise KeyError("no such file")

    with pytest.raises(Exception, match="no such file") as caught:
        flow.evaluate(failing(), verbose=0)
    assert not isinstance(caught.value, refusals.DataError)
