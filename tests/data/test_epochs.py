"""Epochs of training data: each depends on its number alone, and one cache serves all of them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.data.test_tfds import prepare
from tfflows import data
from tfflows.data import pipeline
from tfflows.data.pipeline import Data, epochs


def numbers(count, reads=None):
    """Returns a function that returns the images 0, 1, ... count - 1; appends to `reads`."""
    spec = tf.TensorSpec((1, 1, 1), tf.uint8)

    def generate():
        reads.append(True)
        yield from np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)

    values = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    dataset = tf.data.Dataset.from_tensor_slices(values)
    if reads is not None:
        dataset = tf.data.Dataset.from_generator(generate, output_signature=spec)
    return lambda seed=None: Data(dataset, (1, 1, 1), 256, count)


def batches(loaded, count):
    return np.stack(list(loaded.dataset.take(count).as_numpy_iterator()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("tfds"))
    prepare(path, "cifar10", {"train": 40, "test": 10}, (32, 32, 3))
    return path


# The sets larger than the limit are ordered by file, and read again in every epoch.
@pytest.mark.parametrize("limit", [2**30, 0])
@pytest.mark.parametrize("augment", [None, "flip+shift"])
def test_an_epoch_depends_on_its_number_alone(folder, monkeypatch, limit, augment):
    monkeypatch.setattr(pipeline, "CACHE_BYTES", limit)

    def loaded(first, count, seed=0):
        options = {"data_dir": folder, "augment": augment, "seed": seed, "first_epoch": first}
        return batches(data.load_epochs("cifar10", 4, steps_per_epoch=3, **options), count)

    whole = loaded(0, 9)
    assert whole.shape == (9, 4, 32, 32, 3) and whole.dtype == np.uint8
    np.testing.assert_array_equal(loaded(0, 9), whole)
    np.testing.assert_array_equal(loaded(1, 6), whole[3:])
    np.testing.assert_array_equal(loaded(2, 3), whole[6:])
    assert len({epoch.tobytes() for epoch in whole.reshape(3, -1)}) == 3
    assert not np.array_equal(loaded(0, 9, seed=1), whole)


@pytest.mark.parametrize("limit", [2**30, 0])
@pytest.mark.parametrize("augment", [None, "flip+shift"])
def test_an_epoch_is_gone_on_with_in_its_middle(folder, monkeypatch, limit, augment):
    """Of 40 images in batches of 4, so that an epoch of 13 goes on into a second pass."""
    monkeypatch.setattr(pipeline, "CACHE_BYTES", limit)

    def loaded(step, count, epoch=1):
        options = {"data_dir": folder, "augment": augment, "bits": 5, "with_labels": True}
        place = {"first_epoch": epoch, "first_step": step}
        made = data.load_epochs("cifar10", 4, steps_per_epoch=13, **place, **options)
        return list(made.dataset.take(count).as_numpy_iterator())

    whole = loaded(0, 30)
    for step in (1, 4, 11, 12):
        rest = loaded(step, 30 - step)
        assert len(rest) == 30 - step
        for ours, theirs in zip(rest, whole[step:], strict=True):
            for our, their in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(our, their)
    for ours, theirs in zip(loaded(5, 12, epoch=2), whole[18:], strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])


def test_what_is_left_out_is_neither_batched_nor_augmented():
    calls = tf.Variable(0)

    def augment(batch, seed):
        with tf.control_dependencies([calls.assign_add(1)]):
            return tf.identity(batch)

    loaded = epochs(numbers(6), 2, 50, augment=augment, skipped=49)
    batches(loaded, 1)
    assert calls.numpy() <= 2 * pipeline.READ_AHEAD + 8  # ahead, and with as many threads


@pytest.mark.parametrize("limit", [2**30, 0])
def test_the_global_seed_changes_nothing(folder, monkeypatch, limit):
    def loaded():
        options = {"data_dir": folder, "augment": "shift"}
        return batches(data.load_epochs("cifar10", 8, steps_per_epoch=2, **options), 4)

    monkeypatch.setattr(pipeline, "CACHE_BYTES", limit)
    expected = loaded()
    for seed in (0, 1, 2):
        tf.random.set_seed(seed)
        np.testing.assert_array_equal(loaded(), expected)


def test_making_the_epochs_leaves_the_global_seed_alone():
    tf.random.set_seed(5)
    expected = tf.random.uniform((3,))
    tf.random.set_seed(5)
    data.load_epochs("digits", 8, steps_per_epoch=2)
    np.testing.assert_array_equal(tf.random.uniform((3,)), expected)


def test_an_epoch_is_passes_over_all_examples_each_in_a_new_order():
    stream = batches(epochs(numbers(50), 10, 10), 20).reshape(4, 50)
    for one in stream:
        assert sorted(one) == list(range(50))
    assert len({one.tobytes() for one in stream}) == 4


def test_batches_are_full_and_of_static_size_over_the_end_of_a_pass():
    loaded = epochs(numbers(5), 2, 4)
    assert loaded.dataset.element_spec.shape == (2, 1, 1, 1)
    assert [len(batch) for batch in loaded.dataset.take(20)] == [2] * 20


def test_augmentation_is_drawn_anew_for_every_batch_of_every_epoch():
    loaded = epochs(
        numbers(6), 2, 3, augment=lambda batch, seed: batch * 0 + tf.cast(seed[0], "uint8")
    )
    draws = batches(loaded, 9)[:, 0].ravel().tolist()
    assert len(set(draws)) > 6  # of 256 values


def test_the_source_is_read_once_for_all_epochs_if_it_fits(monkeypatch):
    for limit, expected in ((2**30, 1), (4, 3)):
        monkeypatch.setattr(pipeline, "CACHE_BYTES", limit)
        reads = []
        batches(epochs(numbers(6, reads), 2, 3), 9)  # three epochs, and what is read ahead
        assert len(reads) == 1 if expected == 1 else len(reads) >= expected


def test_batches_that_are_augmented_in_parallel_keep_their_order():
    def augment(batch, seed):
        # The first batch takes longest, the second less, and so on.
        place = tf.where(batch[0, 0, 0, 0] == tf.constant(plain[:, 0]))[0, 0]
        work = tf.random.stateless_uniform((100, 100), seed)

        def multiply(turn, work):
            return turn + 1, tf.linalg.l2_normalize(work @ work)

        _, work = tf.while_loop(lambda turn, _: turn < 1600, multiply, (200 * place, work))
        return batch + tf.cast(tf.reduce_sum(work) > 1e9, tf.uint8)

    plain = batches(epochs(numbers(64), 8, 8), 8).reshape(8, 8)
    augmented = batches(epochs(numbers(64), 8, 8, augment=augment), 8).reshape(8, 8)
    np.testing.assert_array_equal(augmented, plain)


def test_labels_stay_with_their_images(folder):
    options = {"data_dir": folder, "with_labels": True, "augment": "flip"}
    loaded = data.load_epochs("cifar10", 9, steps_per_epoch=4, **options)
    plain = data.load("cifar10", "train", 36, data_dir=folder, with_labels=True, shuffle=False)
    images, labels = next(iter(plain.dataset))
    known = {}
    for image, label in zip(images.numpy(), labels.numpy(), strict=True):
        known[image.tobytes()] = known[image[:, ::-1].tobytes()] = label
    for images, labels in loaded.dataset.take(8).as_numpy_iterator():
        assert [known[image.tobytes()] for image in images] == labels.tolist()


@pytest.mark.parametrize(
    "argument, value, message",
    [
        ("steps_per_epoch", 0, "steps_per_epoch to be an int of at least 1.*steps_per_epoch=0"),
        ("first_epoch", -1, "first_epoch to be an int of at least 0.*first_epoch=-1"),
        ("first_step", -1, "first_step to be an int of at least 0.*first_step=-1"),
        ("first_step", True, "first_step to be an int of at least 0.*first_step=True"),
        ("first_step", 2, "first_step to be below steps_per_epoch=2. Received: first_step=2"),
        ("batch_size", 0, "batch_size to be an int of at least 1.*batch_size=0"),
        ("seed", -1, "seed to be an int of at least 0.*seed=-1"),
        ("num_points", 5, "num_points to be left out for the image .*num_points=5"),
        ("augment", "rotate", "Received: augment='rotate'"),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(argument, value, message):
    with pytest.raises(ValueError, match=message):
        data.load_epochs(**{"steps_per_epoch": 2, argument: value})


def test_a_first_step_that_no_counter_reaches_is_refused():
    with pytest.raises(ValueError, match=f"first_step to be at most {2**33 - 1} for batches of"):
        data.load_epochs("digits", 2**30, steps_per_epoch=2**40, first_step=2**39)
