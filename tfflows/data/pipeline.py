"""The tf.data part: from single examples to shuffled, augmented, batched, prefetched batches."""

import math
from typing import NamedTuple

import tensorflow as tf

# Decoded sets below this size are kept in memory and shuffled whole; larger ones are read again in
# every pass, in a new order of their files, and shuffled within a buffer.
CACHE_BYTES = 2**30
SHUFFLE_BUFFER = 10_000


class Data(NamedTuple):
    """A dataset and what a model has to know about it.

    Attributes:
      dataset: `tf.data.Dataset` of batches `x`, or `(x, label)` where labels were asked for.
      event_shape: shape of one example as a tuple of ints: (height, width, channels) or (2,).
      bins: number of integer values of a pixel (17 for digits, 256 for 8 bits); None for points.
      num_examples: number of examples in one pass over the split.
    """

    dataset: tf.data.Dataset
    event_shape: tuple
    bins: int | None
    num_examples: int


def fits_in_memory(source):
    """Whether the source's decoded images, one byte a value, are small enough to be kept."""
    return source.num_examples * math.prod(source.event_shape) <= CACHE_BYTES


def batches(
    source, batch_size, *, augment=None, shuffle=False, repeat=False, drop_remainder=False, seed=0
):
    """Returns `source` with its dataset of examples made into one of batches.

    Args:
      source: `Data` with a dataset of single examples.
      batch_size: number of examples in a batch.
      augment: None, or a callable `(batch, seed) -> batch` on the examples' first component,
        with `seed` a [2] integer tensor that is new for each batch of each epoch.
      shuffle: whether the order is drawn anew for every pass.
      repeat: whether the dataset is endless.
      drop_remainder: whether the last batch is left out if it is not full.
      seed: seed of the order and the augmentation.
    """
    dataset = source.dataset
    cached = fits_in_memory(source)
    if cached:
        dataset = dataset.cache()
    if shuffle:
        # A buffer for all reads to the end of the source, so the cache is complete, and tf.data has
        # nothing to warn about, even if only the first batch is taken.
        buffer_size = source.num_examples if cached else SHUFFLE_BUFFER
        dataset = dataset.shuffle(buffer_size, seed=seed, reshuffle_each_iteration=True)
    if repeat:
        dataset = dataset.repeat()
    dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    if augment is not None:
        dataset = _augmented(dataset, augment, seed)
    # Sets in memory and sets of one file cannot be sharded by file over several workers.
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return source._replace(dataset=dataset.with_options(options).prefetch(tf.data.AUTOTUNE))


def _augmented(dataset, augment, seed):
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)

    def apply(batch, batch_seed):
        batch_seed = tf.ensure_shape(batch_seed, (2,))
        if isinstance(batch, tuple):
            return (augment(batch[0], batch_seed), *batch[1:])
        return augment(batch, batch_seed)

    return tf.data.Dataset.zip((dataset, seeds)).map(apply, num_parallel_calls=tf.data.AUTOTUNE)
