"""`load`: one call from a name to the batches a flow is trained or evaluated on."""

import tensorflow as tf

from tfflows.data.augmentation import augmentation
from tfflows.data.images import digits, tfds_images
from tfflows.data.pipeline import Data, batches, epochs
from tfflows.data.splits import SPLITS, check_split
from tfflows.data.synthetic import DENSITIES, sample

_MOST = 2**63 - 1  # the largest integer of tf.data
_MOST_SIDE = 2**14  # of a padded image, for which a row of channels alone is megabytes


def load(
    name="digits",
    split="train",
    batch_size=64,
    *,
    data_dir=None,
    num_points=None,
    pad_to=None,
    with_labels=False,
    augment=None,
    bits=None,
    shuffle=None,
    repeat=False,
    drop_remainder=False,
    seed=0,
):
    """Loads one split of a dataset as batches of uint8 NHWC images or of float32 points [batch, 2].

    `digits`: scikit-learn's 1,797 handwritten digits, 8x8x1 with 17 gray values, in a fixed cut of
    1,257 train, 180 validation and 360 test images, stratified by class. Needs no network.

    A name in `DENSITIES`: points of a 2-D density; the three splits are drawn with different seeds.

    Any other name: the TFDS dataset of this name and its `image` feature, 256 gray values, from a
    folder where TFDS has prepared it; nothing is ever downloaded. CelebA is cropped and scaled to
    64x64. A split the set does not have is cut from the end of its train split: 50,000 and 10,000
    images of mnist, fashion_mnist and kmnist, else the last tenth, as 45,000 and 5,000 of cifar10.
    The test split of downsampled ImageNet is its own validation split, as in the literature, and
    the last 10,000 of its train images are the validation split here.

    Args:
      name: `digits`, one of `DENSITIES`, or a TFDS name with its config: `mnist`, `celeb_a`,
        `downsampled_imagenet/32x32`, ...
      split: `train`, `validation` or `test`.
      batch_size: examples in a batch, at least 1.
      data_dir: folder of prepared TFDS datasets; None for TFDS's own ($TFDS_DATA_DIR, else
        ~/tensorflow_datasets). Only TFDS datasets use it.
      num_points: points of a 2-D density, 10,000 by default; must be None for images.
      pad_to: height and width to which zeros are added on all sides (32 for MNIST in models that
        halve the image often), None for none.
      with_labels: whether the elements are `(x, label)` with int64 labels; images only.
      augment: None or one of `AUGMENTATIONS`, applied to images anew in every pass; images only.
      bits: 1 to 8, number of bits to which images of 256 gray values are reduced once they are
        augmented, `floor(x / 2**(8 - bits))` with `bins = 2**bits`, as in Glow's 5-bit experiments
        (arXiv 1807.03039); None for all. Not for digits and points.
      shuffle: whether the order is drawn anew in every pass; by default for train only.
      repeat: whether the dataset is endless; batches then run over the end of a pass.
      drop_remainder: whether a last batch that is not full is left out.
      seed: seed of the order and the augmentation, a nonnegative int; the examples of a split never
        depend on it.

    Returns:
      `Data(dataset, event_shape, bins, num_examples, num_classes)`.

    Raises:
      TypeError: `name` is not a string.
      ValueError: an argument is not as described, the name is unknown, or the dataset has no uint8
        images of one size.
      FileNotFoundError: a TFDS dataset is not prepared in `data_dir`.
    """
    _check(name, split, batch_size=batch_size, seed=seed)
    shuffle = split == "train" if shuffle is None else shuffle
    _check_bits(name, bits)
    make, augment = _parts(name, split, data_dir, num_points, pad_to, augment, with_labels)
    return batches(
        make(seed if shuffle else None),
        batch_size,
        augment=augment,
        bits=bits,
        shuffle=shuffle,
        repeat=repeat,
        drop_remainder=drop_remainder,
        seed=seed,
    )


def load_epochs(
    name="digits",
    batch_size=64,
    *,
    steps_per_epoch,
    first_epoch=0,
    first_step=0,
    data_dir=None,
    num_points=None,
    pad_to=None,
    with_labels=False,
    augment=None,
    bits=None,
    seed=0,
):
    """Loads the train split for a training that can be stopped and continued: epochs without end.

    Each epoch is `steps_per_epoch` full batches of shuffled passes over the split, which depend on
    `seed` and the epoch's number alone, so that `first_epoch=3` gives what `first_epoch=0` gives
    after three epochs. `flow.fit(..., steps_per_epoch=..., initial_epoch=...)` takes it so. With
    `first_step=5` the first epoch starts with its sixth batch; the five before are passed over,
    which takes time only where the split is not kept in memory: their examples are read.

    Args:
      steps_per_epoch: batches of an epoch, at least 1.
      first_epoch: number of the first epoch, counted from 0.
      first_step: number of the batch that the first epoch starts with, counted from 0 and below
        `steps_per_epoch`; the epochs after it are whole.
      name, batch_size, data_dir, num_points, pad_to, with_labels, augment, bits, seed: as in
        `load`.

    Returns:
      `Data(dataset, event_shape, bins, num_examples, num_classes)`.

    Raises:
      TypeError, ValueError, FileNotFoundError: as `load`.
    """
    counts = {"first_epoch": first_epoch, "first_step": first_step, "seed": seed}
    _check(name, "train", batch_size=batch_size, steps_per_epoch=steps_per_epoch, **counts)
    _check_first_step(first_step, steps_per_epoch, batch_size)
    _check_bits(name, bits)
    make, augment = _parts(name, "train", data_dir, num_points, pad_to, augment, with_labels)
    options = {"augment": augment, "bits": bits, "seed": seed}
    place = {"first": first_epoch, "skipped": first_step}
    return epochs(make, batch_size, steps_per_epoch, **options, **place)


def _parts(name, split, data_dir, num_points, pad_to, augment, with_labels):
    """Returns a function that makes the `Data` of single examples, and the augmentation.

    The function takes a seed of the order of the files, or none for their own order.
    """
    if name in DENSITIES:
        _check_unused(name, "2-D", pad_to=pad_to, with_labels=with_labels, augment=augment)
        source = _points(name, split, 10_000 if num_points is None else num_points)
        return lambda seed=None: source, None
    _check_unused(name, "image", num_points=num_points)

    def make(seed=None):
        if name == "digits":
            source = digits(split, with_labels=with_labels)
        else:
            files = {"data_dir": data_dir, "shuffle_files": seed is not None, "seed": seed}
            source = tfds_images(name, split, with_labels=with_labels, **files)
        return source if pad_to is None else _padded(source, pad_to)

    return make, None if augment is None else augmentation(augment)


def _points(name, split, num_points):
    # The seed is the split, so that every run is trained and compared on the same points.
    points = sample(name, num_points, seed=SPLITS.index(split))
    return Data(tf.data.Dataset.from_tensor_slices(points), (2,), None, num_points)


def _padded(source, side):
    """The source with zeros around its images; an odd difference puts one more below and right."""
    height, width, channels = source.event_shape
    whole = isinstance(side, int) and not isinstance(side, bool)
    if not whole or not max(height, width) <= side <= _MOST_SIDE:
        raise ValueError(
            f"Expected pad_to to be None or an int not below the image size {height}x{width}, and "
            f"not above {_MOST_SIDE}. Received: pad_to={side!r}"
        )
    top, left = (side - height) // 2, (side - width) // 2
    paddings = ((top, side - height - top), (left, side - width - left), (0, 0))

    def pad(image, *label):
        padded = tf.pad(image, paddings)
        return (padded, *label) if label else padded

    dataset = source.dataset.map(pad, num_parallel_calls=tf.data.AUTOTUNE)
    return source._replace(dataset=dataset, event_shape=(side, side, channels))


def _check(name, split, **counts):
    check_split(name, split)
    for argument, value in counts.items():
        least = 0 if argument in ("first_epoch", "first_step", "seed") else 1
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(
                f"Expected {argument} to be an int of at least {least}. "
                f"Received: {argument}={value!r}"
            )
        if value > _MOST:
            raise ValueError(
                f"Expected {argument} of at most {_MOST}. Received: {argument}={value!r}"
            )


def _check_first_step(first_step, steps_per_epoch, batch_size):
    if first_step >= steps_per_epoch:
        raise ValueError(
            f"Expected first_step to be below steps_per_epoch={steps_per_epoch}. "
            f"Received: first_step={first_step!r}"
        )
    if first_step * batch_size > _MOST:
        raise ValueError(
            f"Expected first_step to be at most {_MOST // batch_size} for batches of {batch_size}. "
            f"Received: first_step={first_step!r}"
        )


def _check_bits(name, bits):
    if bits is None:
        return
    if name == "digits" or name in DENSITIES:
        values = "17 gray values" if name == "digits" else "points"
        raise ValueError(
            f"Expected bits to be left out for {name}, which has {values} and not 256 gray values. "
            f"Received: bits={bits!r}"
        )
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 8:
        raise ValueError(f"Expected bits to be None or an int from 1 to 8. Received: bits={bits!r}")


def _check_unused(name, kind, **arguments):
    for argument, value in arguments.items():
        if value is not None and value is not False:
            raise ValueError(
                f"Expected {argument} to be left out for the {kind} dataset {name}. "
                f"Received: {argument}={value!r}"
            )
