"""Training data that depends on the seed and the epoch alone, so that runs can be continued."""

import numpy as np
import tensorflow as tf

from tfflows import data

# With --smoke, batches of a split that are evaluated.
_SMOKE_BATCHES = 8


def load_split(settings, split, **options):
    """Returns `data.load` of a split, with the settings' dataset."""
    return data.load(
        settings.dataset,
        split,
        settings.batch_size,
        data_dir=settings.data_dir,
        num_points=settings.num_points,
        pad_to=settings.pad_to,
        **options,
    )


def training_batches(settings, steps_per_epoch, first_epoch=0):
    """Returns an endless dataset of full batches, the first of them the first of an epoch.

    Each epoch is the start of a pipeline of its own, shuffled and augmented by a seed made of the
    settings' and the epoch's number: epoch 7 is the same whether six others came before or not.
    """
    augment = None if settings.augment == "none" else settings.augment

    def epoch_batches(epoch):
        seed = int(np.random.SeedSequence((settings.seed, epoch)).generate_state(1)[0])
        options = {"augment": augment, "shuffle": True, "repeat": True, "seed": seed}
        return load_split(settings, "train", **options).dataset.take(steps_per_epoch)

    def batches():
        epoch = first_epoch
        while True:
            yield from epoch_batches(epoch)
            epoch += 1

    spec = epoch_batches(first_epoch).element_spec
    spec = tf.TensorSpec((settings.batch_size, *spec.shape[1:]), spec.dtype)
    return tf.data.Dataset.from_generator(batches, output_signature=spec).prefetch(4)


def first_batch(settings, size=512):
    """Returns the batch that data-dependent parts are started from, without augmentation."""
    source = load_split(settings, "train", shuffle=True, seed=settings.seed).dataset.unbatch()
    return next(iter(source.batch(size).take(1)))


def evaluation_batches(settings, split):
    """Returns the batches of a split: in order, without augmentation, to the last example.

    With --smoke, only the first few.
    """
    dataset = load_split(settings, split, shuffle=False).dataset
    return dataset.take(_SMOKE_BATCHES) if settings.smoke else dataset
