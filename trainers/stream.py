"""The data of a run: training batches, the batch it starts from, and those it is evaluated on."""

from tfflows import data

# With --smoke, batches of a split that are evaluated.
_SMOKE_BATCHES = 8


def load_split(settings, split, **options):
    """Returns `data.load` of a split, with the settings' dataset."""
    return data.load(split=split, **_dataset(settings), **options)


def training_batches(settings, steps_per_epoch, first_epoch=0):
    """Returns an endless dataset of full batches, the first of them the first of an epoch.

    An epoch depends on the settings' seed and its number alone, so that runs can be continued.
    """
    return data.load_epochs(
        steps_per_epoch=steps_per_epoch,
        first_epoch=first_epoch,
        augment=None if settings.augment == "none" else settings.augment,
        seed=settings.seed,
        **_dataset(settings),
    ).dataset


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


def _dataset(settings):
    names = ("batch_size", "data_dir", "num_points", "pad_to")
    return {"name": settings.dataset, **{name: getattr(settings, name) for name in names}}
