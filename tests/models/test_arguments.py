"""What models refuse of arguments that are no such thing at all, found by tests/properties."""

import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows

tfd = tfp.distributions
X = flows.images(3)
FLOW = flows.fresh("nice")
GIVEN = flows.fresh("nice", condition_shape=(3,))
CLASSES = flows.fresh("glow", levels=1, classes=3)
RAGGED, LARGE = [[1], [1, 2]], 10**400


def nice(**options):
    return lambda: flows.fresh("nice", **options)


def after_other_batches():
    """A condition of another batch, when the graph has been relaxed to any batch."""
    flow = flows.fresh("nice", condition_shape=(3,))
    for n in (3, 2):
        flow.log_prob(X[:n], np.ones((n, 3)))
    flow.log_prob(X[:2], np.ones((3, 3)))


V, T = ValueError, TypeError
REFUSED = {
    # constructors
    "dtype None": (T, "Expected a floating dtype. Received: dtype=None", nice(dtype=None)),
    "dtype 1": (T, "Expected a floating dtype. Received: dtype=1", nice(dtype=1)),
    "dtype of 8 bits": (T, "Received: dtype=float8_e5m2", nice(dtype="float8_e5m2")),
    "precision": (V, "Received: precision=[]", nice(precision=[])),
    "precision of tf.float32": (
        V,
        "one of ['float32', 'mixed_bfloat16'], or None, for dtype='float32'. Received: precis",
        nice(precision="x", dtype=tf.float32),
    ),
    "bins": (V, "Expected bins of at most 4194304", nice(bins=LARGE)),
    "bins above": (V, "Received: bins=4194305", nice(bins=2**22 + 1)),
    "condition shape": (V, "Received: condition_shape=3", nice(condition_shape=3)),
    "data range of bools": (V, "data_range=(False, True)", nice(data_range=(False, True))),
    "data range": (V, "Received: data_range=(0, 1000", nice(data_range=(0, LARGE))),
    "infinite range": (V, "data_range=(-1e+308, 1e+308)", nice(data_range=(-1e308, 1e308))),
    "l2": (V, "Received: l2=1000", lambda: flows.fresh("realnvp", l2=LARGE)),
    "class loss": (
        V,
        "Received: class_loss=1000",
        lambda: flows.fresh("glow", classes=2, class_loss=LARGE),
    ),
    "last level": (
        V,
        "more than one pixel. Received: event_shape=(2, 2, 1), levels=2",
        lambda: flows.fresh("realnvp", (2, 2, 1)),
    ),
    # data
    "x None": (T, "Received: x=None", lambda: FLOW.log_prob(None)),
    "x ragged": (T, "Received: x=[[1], [1, 2]]", lambda: FLOW.encode(RAGGED)),
    "z ragged": (T, "Received: z=[[1], [1, 2]]", lambda: FLOW.decode(RAGGED)),
    "z text": (T, "Received: z.dtype=string", lambda: FLOW.decode("a")),
    "z complex": (T, "z.dtype=complex128", lambda: FLOW.decode(np.ones((2, 16)) * 1j)),
    "to integers": (T, "Received: x.dtype=string", lambda: FLOW.to_integers("a")),
    "integers to integers": (T, "Received: x.dtype=uint8", lambda: FLOW.to_integers(X)),
    "no data": (V, "with data. Received: x.shape=(0, 4, 4, 1)", lambda: FLOW.initialize(X[:0])),
    # conditions
    "no condition": (V, "Received: condition=None", lambda: GIVEN.log_prob(X)),
    "a condition": (
        V,
        "Expected no condition",
        lambda: FLOW.sample(2, condition=np.ones((2, 3))),
    ),
    "condition text": (T, "condition.dtype=string", lambda: GIVEN.log_prob(X, "a")),
    "condition complex": (
        T,
        "condition.dtype=complex128",
        lambda: GIVEN.log_prob(X, np.ones((3, 3)) * 1j),
    ),
    "condition dict": (T, "Received: condition={}", lambda: GIVEN.log_prob(X, {})),
    "condition size": (
        V,
        "of shape [*batch, 3], for a batch of shape (3,). Received: condition.shape=(3, 2)",
        lambda: GIVEN.log_prob(X, np.ones((3, 2))),
    ),
    "condition of another batch": (V, "condition.shape=(3, 3)", after_other_batches),
    "labels ragged": (T, "labels=[[1], [1, 2]]", lambda: CLASSES.log_prob(X, RAGGED)),
    # numbers
    "n": (V, "int of 32 bits. Received: n=2147483648", lambda: FLOW.sample(2**31)),
    "temperature": (V, "temperature=1000", lambda: FLOW.sample(1, LARGE)),
    "samples": (
        V,
        "Received: dequantization_samples=2147483648",
        lambda: FLOW.log_prob(X, dequantization_samples=2**31),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    error, message, call = REFUSED[case]
    with pytest.raises(error, match=re.escape(message)) as info:
        call()
    assert str(info.value).startswith("Expected ")


def test_integers_of_numpy_do_not_overflow():
    flow = flows.fresh("realnvp", levels=np.int8(2), width=np.uint64(2), depth=np.int64(1))
    assert flow.encode(X).shape == (3, 16)
    with pytest.raises(ValueError, match="Received: event_shape=.*levels=9"):
        flows.fresh("glow", levels=np.int8(9))


@pytest.mark.parametrize("event_shape", [3, None, (2, 0), "ab"])
def test_bits_per_dim_of_what_is_no_shape(event_shape):
    message = re.escape(f"Received: event_shape={event_shape!r}")
    with pytest.raises(ValueError, match=message):
        tfflows.metrics.bits_per_dim(0.0, event_shape)
    with pytest.raises(ValueError, match=message):
        tfflows.metrics.BitsPerDim(event_shape)
