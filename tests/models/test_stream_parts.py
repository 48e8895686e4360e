"""Bad parts of batches of a `tf.data.Dataset`: shapes, labels, conditions and weights."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows
from tests.models.bad_data import FLOATS, LOOPS, X, Y, batched, compiled, put, raised
from tfflows.models import streams

CONDITION = np.random.default_rng(2).standard_normal((24, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def plain():
    return compiled(flows.trained("nice"))


@pytest.fixture(scope="module")
def conditional():
    return compiled(flows.trained("nice", condition_shape=(2,)))


@pytest.fixture(scope="module")
def labelled():
    return compiled(flows.randomize(flows.small("glow", classes=3, class_loss=0.05)))


def unknown(data):
    """Batches of 8 as `batched` has them, of whose shapes nothing is known."""

    def generator():
        for start in range(0, 24, 8):
            yield tuple(part[start : start + 8] for part in data)

    types = tuple(tf.as_dtype(part.dtype) for part in data)
    return tf.data.Dataset.from_generator(generator, output_types=types)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras', of unknown lengths
def test_shapes_that_are_not_known_become_known(plain, labelled):
    checked = streams.Stream(plain, unknown((X, Y))).dataset
    assert checked.element_spec[0].shape.as_list() == [None, 4, 4, 1]
    expected = plain.log_prob(X)
    np.testing.assert_allclose(plain.predict(unknown((X, Y)), verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(
        labelled.evaluate(unknown((X, Y)), verbose=0), labelled.evaluate(X, Y, verbose=0), rtol=1e-5
    )


PLACE = " in batch 2, counted from 0"
SHAPES = {
    "channels": ((8, 4, 4, 3), "(8, 4, 4, 3)"),
    "no channels": ((8, 4, 4), "(8, 4, 4)"),
    "one number": ((), "()"),
    "a batch of batches": ((1, 8, 4, 4, 1), "(1, 8, 4, 4, 1)"),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes_that_change(case, plain):
    shape, words = SHAPES[case]

    def generator():
        yield X[:8]
        yield X[8:16]
        yield np.zeros(shape, np.uint8)

    data = tf.data.Dataset.from_generator(generator, output_types=tf.uint8)
    message = f"Expected x of shape [*batch, 4, 4, 1]. Received: x.shape={words}{PLACE}"
    assert raised(lambda: plain.predict(data, verbose=0)) == message
    signed = tf.data.Dataset.from_generator(
        generator, output_signature=tf.TensorSpec((None, 4, 4, 1), tf.uint8)
    )
    message = f"an element of shape {words} where an element of shape (None, 4, 4, 1) was expected"
    assert raised(lambda: plain.evaluate(signed, verbose=0)) == (
        f"Expected x to yield what its output_signature says. Received: {message}"
    )


def test_labels(labelled):
    bad = put(Y, 17, 3)
    message = "Received: labels[1]=3, example 1 of batch 2, counted from 0"
    for data in ((X, bad), {"x": X, "condition": bad}, ({"x": X, "condition": bad}, Y)):
        for loop in LOOPS:
            call = getattr(labelled, loop)
            assert (
                raised(lambda call=call, data=data: call(batched(data), verbose=0))
                == f"Expected labels from 0 to 2. {message}"
            )
    message = message.replace("labels[1]=3", "labels[1]=-1")
    assert raised(lambda: labelled.predict(batched((X, put(Y, 17, -1))), verbose=0)) == (
        f"Expected labels from 0 to 2. {message}"
    )


def test_labels_of_steps_on_tensors(labelled):
    x, bad = tf.constant(X), put(Y, 17, 3)
    for labels in (bad, tf.constant(bad)):
        message = raised(lambda labels=labels: labelled.train_on_batch(x, labels))
        assert message.startswith("Expected labels from 0 to 2. Received: labels from 0 to 3, ")
        assert message.endswith("the first labels[17]=3")


def test_labels_of_another_kind(labelled):
    def evaluate(data):
        return lambda: labelled.evaluate(data, verbose=0)

    few = tf.data.Dataset.zip(batched(X), batched(Y, 7))
    assert raised(evaluate(few)) == (
        "Expected labels of shape [8], one for each example. "
        "Received: labels.shape=(7,) in batch 0, counted from 0"
    )
    assert raised(evaluate(unknown((X, Y[:, None])))) == (
        "Expected labels of shape [8], one for each example. "
        "Received: labels.shape=(8, 1) in batch 0, counted from 0"
    )
    message = raised(evaluate(batched((X, np.eye(3, dtype=int)[Y]))), ValueError)
    assert message.endswith("labels of shape (None,). Received: labels.shape=(None, 3)")
    message = raised(evaluate(batched((X, Y * 1.0))), TypeError)
    assert message == "Expected integer labels. Received: labels.dtype=float64"
    message = raised(evaluate(batched(X)), ValueError)
    assert message.startswith("Expected labels, as the flow is class-conditional")


def test_conditions(conditional):
    bad = put(CONDITION, (10, 1), np.inf)
    message = (
        "Expected finite values in condition. "
        "Received: condition[2, 1]=inf, example 2 of batch 1, counted from 0"
    )
    for loop in LOOPS:
        call = getattr(conditional, loop)
        data = batched({"x": X, "condition": bad})
        assert raised(lambda call=call, data=data: call(data, verbose=0)) == message
    parts = {"x": batched(X), "condition": batched(CONDITION, 7)}
    few = tf.data.Dataset.zip(parts)
    assert raised(lambda: conditional.evaluate(few, verbose=0)) == (
        "Expected condition of shape [8, 2], one for each example. "
        "Received: condition.shape=(7, 2) in batch 0, counted from 0"
    )
    message = raised(lambda: conditional.evaluate(batched(X), verbose=0), ValueError)
    assert message.startswith("Expected a condition, as the flow is conditional")


def test_weights(plain):
    data = batched((X, Y, put(np.ones(24, np.float32), 9, np.nan)))
    assert raised(lambda: plain.fit(data, verbose=0)) == (
        "Expected finite values in sample_weight. "
        "Received: sample_weight[1]=nan, example 1 of batch 1, counted from 0"
    )


@pytest.mark.parametrize("shape", [(7,), (8, 1)])
def test_weights_of_another_shape(plain, shape):
    """Of batches whose specs leave it open."""
    spec = (
        tf.TensorSpec((None, *X.shape[1:]), tf.uint8),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([None] * len(shape), tf.float32),
    )
    size = {1: "8", 2: "batch"}[len(shape)]
    bad = (X[:8], np.zeros(8), np.ones(shape))
    data = tf.data.Dataset.from_generator(lambda: iter([bad]), output_signature=spec)
    text = (
        f"Expected sample_weight of shape [{size}], one for each example. Received: sample_weight"
    )
    assert raised(lambda: plain.evaluate(data, verbose=0)).startswith(text)


def test_the_dtype_of_validation_data_is_named():
    flow = compiled(flows.trained("nice", bins=None))
    for data in (X, batched(X)):
        message = raised(
            lambda data=data: flow.fit(FLOATS, validation_data=data, verbose=0), ValueError
        )
        assert message.startswith("Expected floating data of validation_data, since")
