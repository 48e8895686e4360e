"""The tf.data part: from single examples to shuffled, augmented, batched, prefetched batches."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

# Decoded sets below this size are kept in memory and shuffled whole; larger ones are read again in
# every pass, in a new order of their files, and shuffled within a buffer.
CACHE_BYTES = 2**30
SHUFFLE_BUFFER = 10_000
# Batches that are made ahead: no more, as each may be of hundreds of megabytes.
READ_AHEAD = 8


class Data(NamedTuple):
    """A dataset and what a model has to know about it.

    Attributes:
      dataset: `tf.data.Dataset` of batches `x`, or `(x, label)` where labels were asked for.
      event_shape: shape of one example as a tuple of ints: (height, width, channels) or (2,).
      bins: number of integer values of a pixel (17 for digits, 256 for 8 bits); None for points.
      num_examples: number of examples in one pass over the split.
      num_classes: number of classes of the labels, where they were asked for; else None.
    """

    dataset: tf.data.Dataset
    event_shape: tuple
    bins: int | None
    num_examples: int
    num_classes: int | None = None


def fits_in_memory(source):
    """Whether the source's decoded images, one byte a value, are small enough to be kept."""
    return source.num_examples * math.prod(source.event_shape) <= CACHE_BYTES


def batches(
    source,
    batch_size,
    *,
    augment=None,
    bits=None,
    shuffle=False,
    repeat=False,
    drop_remainder=False,
    seed=0,
):
    """Returns `source` with its dataset of examples made into one of batches.

    Args:
      source: `Data` with a dataset of single examples.
      batch_size: number of examples in a batch.
      augment: None, or a callable `(batch, seed) -> batch` on the examples' first component,
        with `seed` a [2] integer tensor that is new for each batch of each epoch.
      bits: number of bits that 256-level images are reduced to once augmented; None for all.
      shuffle: whether the order is drawn anew for every pass.
      repeat: whether the dataset is endless.
      drop_remainder: whether the last batch is left out if it is not full.
      seed: seed of the order and the augmentation.
    """
    dataset = _batched(_kept(source), batch_size, augment, shuffle, repeat, drop_remainder, seed)
    return _reduced(source._replace(dataset=dataset), bits)


def epochs(make, batch_size, steps, *, augment=None, bits=None, seed=0, first=0, skipped=0):
    """Returns `Data` with the full batches of one epoch after the other, without end.

    An epoch is `steps` batches of passes over the source that are shuffled and augmented by a seed
    made of `seed` and the epoch's number, and of nothing else: neither of the epochs before it nor
    of TensorFlow's global seed. All of it is one graph, and the cache serves all epochs.

    Args:
      make: returns `Data` with a dataset of single examples, in their own order, or with its files
        in an order by the integer tensor it is called with.
      batch_size: number of examples in a batch.
      steps: batches of an epoch.
      augment: None, or a callable as that of `batches`.
      bits: as that of `batches`.
      seed: nonnegative int.
      first: number of the first epoch.
      skipped: batches of the first epoch that are left out: those before where it is gone on with.
    """
    source = _kept(make())
    key = int(np.random.SeedSequence(seed).generate_state(1)[0])

    def epoch(number):
        # Of this function's graph only. tf.data refuses 0 beside a seed that is a tensor.
        tf.random.set_seed(1)
        epoch_seed = tf.random.stateless_uniform((), (key, number), None, None, tf.int64)
        examples = source if fits_in_memory(source) else make(epoch_seed)
        start = tf.where(number == first, tf.constant(skipped, tf.int64), 0)
        dataset = _batched(examples, batch_size, augment, True, True, True, epoch_seed, start)
        return dataset.take(steps - start)

    return _reduced(source._replace(dataset=tf.data.Dataset.counter(first).flat_map(epoch)), bits)


def _kept(source):
    """The source, from its first pass on in memory if it fits there."""
    return source._replace(dataset=source.dataset.cache()) if fits_in_memory(source) else source


def _batched(source, batch_size, augment, shuffle, repeat, drop_remainder, seed, start=None):
    """The batches of a source, from the batch `start` on."""
    dataset = source.dataset
    if shuffle:
        # A buffer for all reads to the end of the source, so the cache is complete, and tf.data has
        # nothing to warn about, even if only the first batch is taken.
        buffer_size = source.num_examples if fits_in_memory(source) else SHUFFLE_BUFFER
        dataset = dataset.shuffle(buffer_size, seed=seed, reshuffle_each_iteration=True)
    if repeat:
        dataset = dataset.repeat()
    if start is not None:
        # Before they are batched and augmented, which takes longer than to leave them out.
        dataset = dataset.skip(start * batch_size)
    dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    return dataset if augment is None else _augmented(dataset, augment, seed, start)


def _augmented(dataset, augment, seed, start):
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
    seeds = seeds if start is None else seeds.skip(start)

    def apply(batch, batch_seed):
        batch_seed = tf.ensure_shape(batch_seed, (2,))
        if isinstance(batch, tuple):
            return (augment(batch[0], batch_seed), *batch[1:])
        return augment(batch, batch_seed)

    return tf.data.Dataset.zip((dataset, seeds)).map(apply, num_parallel_calls=tf.data.AUTOTUNE)


def _reduced(source, bits):
    """The source of batches, of images with fewer bits if told so: floor(x / 2^(8 - bits))."""
    if bits is None:
        return source._replace(dataset=_ready(source.dataset))

    def reduce(images, *labels):
        images = tf.bitwise.right_shift(images, tf.constant(8 - bits, images.dtype))
        return (images, *labels) if labels else images

    dataset = source.dataset.map(reduce, num_parallel_calls=tf.data.AUTOTUNE)
    return source._replace(dataset=_ready(dataset), bins=2**bits)


def _ready(dataset):
    """The dataset in its order, read ahead while the model computes."""
    options = tf.data.Options()
    options.deterministic = True
    # Sets in memory and sets of one file cannot be sharded by file over several workers.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options).prefetch(READ_AHEAD)
