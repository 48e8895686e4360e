"""Data: whatever is asked for, batches as the docstring says, or a refusal."""

import numpy as np
import pytest
from hypothesis import strategies as st

from tests.properties import runner
from tests.properties.runner import Row
from tests.properties.strategies import Kind, choice, flag, integer, is_integer, optional
from tfflows import data

BATCH = integer(1, 400, numpy=False, cap=2**63 - 1)._replace(
    is_right=lambda v: isinstance(v, int) and is_integer(v, 1, 2**63 - 1)
)
SEED = BATCH._replace(
    right=st.integers(0, 2**63 - 1),
    is_right=lambda v: isinstance(v, int) and is_integer(v, 0, 2**63 - 1),
)
POINTS = BATCH._replace(is_right=lambda v: isinstance(v, int) and is_integer(v, 1, 2**31 - 1))
PAD = optional(
    Kind(
        st.integers(8, 12),
        lambda v: isinstance(v, int) and is_integer(v, 8, 2**14),
        st.sampled_from([7, 8.0, "8", 2**14 + 1, True]),
    )
)
UNUSED = Kind(st.none(), lambda v: v is None or v is False)
NAME = choice("digits")._replace(wrong=st.sampled_from(["digit", "Digits", b"digits", ["digits"]]))
SPLIT, AUGMENT = choice(*data.SPLITS), optional(choice(*data.AUGMENTATIONS))
DENSITY = choice(*data.DENSITIES)
KNOWN = DENSITY._replace(is_right=lambda v: isinstance(v, str))  # others may be images'


def digits(loaded, arguments, rng):
    """The first batch of digits: its size, dtype, range and labels."""
    assert loaded.event_shape == (*[arguments["pad_to"] or 8] * 2, 1) and loaded.bins == 17
    batch = next(iter(loaded.dataset))
    images = batch[0] if arguments["with_labels"] else batch
    assert images.shape == (min(arguments["batch_size"], loaded.num_examples), *loaded.event_shape)
    assert images.dtype == np.uint8 and images.numpy().max() < 17
    if arguments["with_labels"]:
        assert batch[1].shape == images.shape[:1] and 0 <= min(batch[1]) <= max(batch[1]) < 10


def epochs(loaded, arguments, rng):
    batch = next(iter(loaded.dataset))
    assert batch.shape == (arguments["batch_size"], 8, 8, 1) and batch.dtype == np.uint8


def points(loaded, arguments, rng):
    batch = next(iter(loaded.dataset))
    most = 2**63 if arguments["repeat"] else loaded.num_examples
    assert batch.shape == (min(arguments["batch_size"], most), 2)
    assert np.isfinite(batch).all() and loaded.bins is None and loaded.event_shape == (2,)


def sampled(drawn, arguments, rng):
    assert drawn.shape == (arguments["num_points"], 2) and np.isfinite(drawn).all()
    np.testing.assert_array_equal(data.sample(**arguments), drawn)


def bits(value, arguments, rng):
    assert isinstance(value, float) and np.isfinite(value)


BAD = [np.zeros((0, 4)), np.full((3, 4), "a"), np.full((3, 4), np.nan), [[1], [2, 3]]]
ARRAY = Kind(
    st.integers(3, 9).map(lambda n: np.random.default_rng(n).integers(0, 17, (n, 2, 2))),
    lambda v: isinstance(v, list | tuple | np.ndarray) and not any(v is bad for bad in BAD),
    st.sampled_from(BAD),
)
RARE = {"repeat": flag(), "drop_remainder": flag(), "shuffle": optional(flag())}
ROWS = {
    "load digits": Row(
        data.load,
        {
            "name": NAME,
            "split": SPLIT,
            "batch_size": BATCH._replace(right=st.integers(1, 60)),
            "num_points": UNUSED,
            "bits": UNUSED._replace(is_right=lambda v: v is None),
            "pad_to": PAD,
            "with_labels": flag(),
            "augment": AUGMENT,
            "seed": SEED,
            **RARE,
        },
        digits,
        90,
    ),
    "load points": Row(
        data.load,
        {
            "name": KNOWN,
            "split": SPLIT,
            "batch_size": BATCH,
            "num_points": optional(POINTS),
            "bits": UNUSED._replace(is_right=lambda v: v is None),
            "pad_to": UNUSED,
            "augment": UNUSED,
            "with_labels": Kind(st.just(False), lambda v: v is None or v is False),
            "seed": SEED,
            **RARE,
            "drop_remainder": Kind(st.just(False), lambda v: True),
        },
        points,
        90,
    ),
    "load_epochs": Row(
        data.load_epochs,
        {
            "batch_size": BATCH._replace(right=st.integers(1, 60)),
            "steps_per_epoch": BATCH._replace(right=st.integers(50, 400)),
            "first_epoch": SEED._replace(right=st.integers(0, 2**40)),
            "first_step": SEED._replace(
                right=st.integers(0, 49),
                is_right=lambda v: isinstance(v, int) and is_integer(v, 0, 399),
            ),
            "augment": AUGMENT,
            "seed": SEED,
        },
        epochs,
        60,
    ),
    "sample": Row(
        data.sample,
        {
            "name": DENSITY,
            "num_points": POINTS,
            "seed": Kind(
                st.integers(0, 2**70) | st.lists(st.integers(0, 9), min_size=1),
                lambda v: v is None or is_integer(v, 0) or isinstance(v, list | tuple | np.ndarray),
            ),
        },
        sampled,
        90,
    ),
    "gaussian_bits_per_dim": Row(
        data.gaussian_bits_per_dim, {"train": ARRAY, "test": ARRAY}, bits, 60
    ),
}


@runner.ROUNDS
@pytest.mark.parametrize("name", ROWS)
def test_call(name, deep):
    runner.check(f"data.{name}", ROWS[name], deep=deep)
