"""What the pipeline does to the order, the batches and the randomness of any dataset."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import data
from tfflows.data import pipeline
from tfflows.data.pipeline import Data, batches


def passes(loaded, count):
    """The concatenated batches of `count` passes over the dataset."""
    return [np.concatenate(list(loaded.dataset.as_numpy_iterator())) for _ in range(count)]


def numbers(count):
    """A source of the images 0, 1, ... count - 1."""
    values = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    return Data(tf.data.Dataset.from_tensor_slices(values), (1, 1, 1), 256, count)


def test_train_is_reshuffled_every_pass_and_loses_nothing():
    plain = passes(data.load("digits", "train", shuffle=False), 1)[0]
    first, second = passes(data.load("digits", "train"), 2)
    assert not np.array_equal(first, plain)
    assert not np.array_equal(first, second)
    for images in (first, second):
        assert sorted(x.tobytes() for x in images) == sorted(x.tobytes() for x in plain)


@pytest.mark.parametrize("augment", [None, "affine"])
def test_the_same_seed_gives_the_same_passes(augment):
    once, again = (passes(data.load("digits", augment=augment, seed=5), 2) for _ in range(2))
    other = passes(data.load("digits", augment=augment, seed=6), 1)
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once[0], other[0])


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_splits_keep_their_order(split):
    first, second = passes(data.load("digits", split), 2)
    np.testing.assert_array_equal(first, second)


def test_augmentation_is_drawn_anew_in_every_pass_and_batch():
    loaded = batches(
        numbers(6), 2, augment=lambda batch, seed: batch * 0 + tf.cast(seed[0], "uint8")
    )
    first, second = passes(loaded, 2)
    assert not np.array_equal(first, second)
    assert len(set(first.ravel().tolist())) == 3  # one draw a batch


def test_augmentation_leaves_labels_alone():
    plain = data.load("digits", shuffle=False, with_labels=True, batch_size=1257)
    moved = data.load("digits", shuffle=False, with_labels=True, batch_size=1257, augment="affine")
    (x, y), (moved_x, moved_y) = next(iter(plain.dataset)), next(iter(moved.dataset))
    np.testing.assert_array_equal(y, moved_y)
    assert not np.array_equal(x, moved_x)


def test_batches_repeat_and_remainder():
    def sizes(take=20, **arguments):
        loaded = batches(numbers(5), 2, **arguments)
        return [len(batch) for batch in loaded.dataset.take(take)]

    assert sizes() == [2, 2, 1]
    assert sizes(drop_remainder=True) == [2, 2]
    assert sizes(repeat=True) == [2] * 20
    static = batches(numbers(5), 2, drop_remainder=True).dataset.element_spec
    assert static.shape == (2, 1, 1, 1)


def test_a_repeated_dataset_is_shuffled_pass_by_pass():
    loaded = batches(numbers(50), 10, shuffle=True, repeat=True)
    stream = np.concatenate(list(loaded.dataset.take(10).as_numpy_iterator())).ravel()
    assert sorted(stream[:50]) == sorted(stream[50:]) == list(range(50))
    assert not np.array_equal(stream[:50], stream[50:])


@pytest.mark.parametrize("limit, reads", [(2**30, 1), (4, 3)])
def test_small_sets_are_read_once_and_large_ones_in_every_pass(monkeypatch, limit, reads):
    monkeypatch.setattr(pipeline, "CACHE_BYTES", limit)
    started = []

    def generate():
        started.append(True)
        yield from np.zeros((5, 1, 1, 1), np.uint8)

    spec = tf.TensorSpec((1, 1, 1), tf.uint8)
    source = Data(
        tf.data.Dataset.from_generator(generate, output_signature=spec), (1, 1, 1), 256, 5
    )
    loaded = batches(source, 2, shuffle=limit > 5)
    next(iter(loaded.dataset))  # a single batch fills the cache already
    assert [len(images) for images in passes(loaded, 2)] == [5, 5]
    assert len(started) == reads


def test_the_pipeline_can_be_sharded_over_workers():
    policy = data.load("digits").dataset.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA


@pytest.mark.parametrize(
    "argument, value, message",
    [
        ("name", "cifar11", "Expected name to be digits, one of two_moons, .*name='cifar11'"),
        ("name", "", "Expected name to be digits, .*name=''"),
        ("split", "dev", "Expected split to be one of train, validation, test.*split='dev'"),
        ("batch_size", 0, "Expected batch_size to be an int of at least 1.*batch_size=0"),
        ("batch_size", 2.5, "Expected batch_size to be an int.*batch_size=2.5"),
        ("batch_size", True, "Expected batch_size to be an int.*batch_size=True"),
        ("seed", -1, "Expected seed to be an int of at least 0.*seed=-1"),
        ("augment", "rotate", "Expected augment to be None or one of shift, .*augment='rotate'"),
        ("pad_to", 7, "Expected pad_to .* not below the image size 8x8.*pad_to=7"),
        ("num_points", 5, "Expected num_points to be left out for the image .*num_points=5"),
        ("split", ["train"], r"Expected split to be one of .*split=\['train'\]"),
        ("split", np.array(["train", "test"]), "Expected split to be one of .*split=array"),
        ("augment", ["flip"], r"Expected augment to be None or .*augment=\['flip'\]"),
        ("batch_size", 2**63, "Expected batch_size of at most .*batch_size=9223372036854775808"),
        ("seed", 2**70, "Expected seed of at most .*seed=1180591620717411303424"),
        ("pad_to", 2**40, "Expected pad_to .* not above 16384.*pad_to=1099511627776"),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(argument, value, message):
    with pytest.raises(ValueError, match=message):
        data.load(**{argument: value})


def test_a_name_that_is_no_string_is_a_type_error():
    with pytest.raises(TypeError, match="Expected name to be a string. Received: name=3"):
        data.load(3)
    with pytest.raises(TypeError, match="Expected data_dir to be a path, or None. .*data_dir=3"):
        data.load("mnist", data_dir=3)


def test_padding_puts_zeros_on_all_sides():
    loaded = data.load("digits", "test", 360, pad_to=13)
    plain = next(iter(data.load("digits", "test", 360).dataset)).numpy()
    padded = next(iter(loaded.dataset)).numpy()
    assert loaded.event_shape == (13, 13, 1) and padded.dtype == np.uint8
    np.testing.assert_array_equal(padded, np.pad(plain, ((0, 0), (2, 3), (2, 3), (0, 0))))
