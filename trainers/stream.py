"""The data of a run: training batches, the batch it starts from, and those it is evaluated on.

Batches are `x`, and `(x, labels)` for a class-conditional model.
"""

from tfflows import data

# With --smoke, batches of a split that are evaluated.
_SMOKE_BATCHES = 8
# Training batches that averaged weights take their moments from.
_MOMENT_BATCHES = 50


def load_split(settings, split, **options):
    """Returns `data.load` of a split, with the settings' dataset.

    Raises:
      ValueError: a class-conditional model has no use for its labels; else as `data.load`.
    """
    loaded = data.load(split=split, **_dataset(settings), **options)
    if settings.class_conditional and loaded.num_classes is None:
        raise ValueError(
            "Expected a dataset whose labels are classes for class_conditional. "
            f"Received: dataset={settings.dataset!r}"
        )
    return loaded


def training_batches(settings, steps_per_epoch, first_epoch=0, first_step=0):
    """Returns an endless dataset of full batches, from a step of an epoch on.

    An epoch depends on the settings' seed and its number alone, so that runs can be continued.
    """
    return data.load_epochs(
        steps_per_epoch=steps_per_epoch,
        first_epoch=first_epoch,
        first_step=first_step,
        augment=None if settings.augment == "none" else settings.augment,
        seed=settings.seed,
        **_dataset(settings),
    ).dataset


def moment_batches(settings, steps_per_epoch):
    """Returns the first training batches, enough for the moments of batch normalizations."""
    return training_batches(settings, steps_per_epoch).take(min(steps_per_epoch, _MOMENT_BATCHES))


def first_batch(settings):
    """Returns x and condition that data-dependent parts are started from, without augmentation."""
    source = load_split(settings, "train", shuffle=True, seed=settings.seed).dataset.unbatch()
    batch = next(iter(source.batch(settings.init_batch_size).take(1)))
    return batch if isinstance(batch, tuple) else (batch, None)


def evaluation_batches(settings, split):
    """Returns the batches of a split: in order, without augmentation, to the last example.

    With --smoke, only the first few.
    """
    dataset = load_split(settings, split, shuffle=False).dataset
    return dataset.take(_SMOKE_BATCHES) if settings.smoke else dataset


def _dataset(settings):
    names = ("batch_size", "data_dir", "num_points", "pad_to", "bits")
    options = {name: getattr(settings, name) for name in names}
    return {"name": settings.dataset, "with_labels": bool(settings.class_conditional), **options}
