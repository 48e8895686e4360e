"""Images: scikit-learn's handwritten digits, embedded, and any prepared TFDS image dataset."""

import os
import re

import numpy as np
import tensorflow as tf

from tfflows.data.pipeline import Data
from tfflows.data.splits import split_ranges
from tfflows.data.synthetic import DENSITIES

# Of each ten digits of a class, which go to the split: 1,257, 180 and 360 of the 1,797.
_DIGITS_TENTHS = {"train": (1, 2, 4, 5, 7, 8, 9), "validation": (0,), "test": (3, 6)}


def digits(split, *, with_labels=False):
    """Returns `Data` of single 8x8x1 uint8 digits with 17 gray values.

    The splits never change, and each has its share of every class.
    """
    from sklearn.datasets import load_digits  # here, so that `import tfflows` stays light

    images, labels = load_digits().images[..., None].astype(np.uint8), load_digits().target
    # RandomState's stream is frozen by NumPy's compatibility policy; default_rng's is not.
    order = np.random.RandomState(0).permutation(len(images))
    images, labels = images[order], labels[order].astype(np.int64)
    rank = np.empty(len(labels), np.int64)
    rank[np.argsort(labels, kind="stable")] = np.arange(len(labels))
    chosen = np.isin(rank % 10, _DIGITS_TENTHS[split])
    tensors = (images[chosen], labels[chosen]) if with_labels else images[chosen]
    dataset = tf.data.Dataset.from_tensor_slices(tensors)
    return Data(dataset, images.shape[1:], 17, int(chosen.sum()), 10 if with_labels else None)


def tfds_images(name, split, *, data_dir=None, with_labels=False, shuffle_files=False, seed=0):
    """Returns `Data` of single uint8 images of a TFDS dataset that is already prepared on disk.

    Args:
      name: TFDS name, `/config` included where the dataset has configs.
      split: one of `SPLITS`, see `split_ranges`.
      data_dir: folder of prepared TFDS datasets; None for TFDS's own ($TFDS_DATA_DIR, else
        ~/tensorflow_datasets).
      with_labels: whether the elements are (image, label).
      shuffle_files: whether the files are read in a new order in every pass.
      seed: seed of that order.

    Raises:
      FileNotFoundError: the prepared dataset is not in `data_dir`.
      ValueError: the name is unknown to TFDS, or the dataset has no uint8 images of one fixed size,
        no label where it is asked for, or no train split.
    """
    builder = prepared_builder(name, data_dir)
    import tensorflow_datasets as tfds  # here, so that `import tfflows` stays light

    shape, image_of = images_of(name, builder.info, with_labels=with_labels)
    source, first, last = source_range(name, builder.info, split)
    dataset = builder.as_dataset(
        split=f"{source}[{first}:{last}]",
        shuffle_files=shuffle_files,
        read_config=tfds.ReadConfig(
            shuffle_seed=seed,
            try_autocache=False,  # the pipeline caches itself
            enable_ordering_guard=not shuffle_files,  # TFDS else refuses to shuffle ordered sets
        ),
    )

    def example(features):
        image = image_of(features)
        return (image, features["label"]) if with_labels else image

    dataset = dataset.map(example, num_parallel_calls=tf.data.AUTOTUNE)
    label = builder.info.features["label"] if with_labels else None
    classes = getattr(label, "num_classes", None)  # labels of other kinds have none
    return Data(dataset, shape, 256, last - first, classes)


def prepared_builder(name, data_dir):
    """Returns TFDS's builder of the newest version of a dataset that is prepared."""
    directory = _prepared_directory(name, data_dir)
    import tensorflow_datasets as tfds  # here, so that `import tfflows` stays light

    return tfds.builder_from_directory(directory)


def images_of(name, info, *, with_labels=False):
    """Returns the shape of a dataset's images, and the function of an example that gives one."""
    keys = ("image", "label") if with_labels else ("image",)
    for key in keys:
        if key not in info.features:
            raise ValueError(
                f"Expected a dataset with the feature {key!r}. "
                f"Received: name={name!r}, features={tuple(info.features)!r}"
            )
    shape, process = _processing(name, info.features["image"])
    return shape, lambda example: tf.ensure_shape(process(example["image"]), shape)


def source_range(name, info, split):
    """Returns the split of TFDS's that one of ours is from, and its first and last example."""
    sizes = {key: split_info.num_examples for key, split_info in info.splits.items()}
    return split_ranges(name, sizes)[split]


def _prepared_directory(name, data_dir):
    """The folder of the newest version of the dataset; an error at once where there is none."""
    if not isinstance(data_dir, str | os.PathLike | None):
        raise TypeError(f"Expected data_dir to be a path, or None. Received: data_dir={data_dir!r}")
    root = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    root = os.path.expanduser(root)
    infos = tf.io.gfile.glob(os.path.join(root, *name.split("/"), "*", "dataset_info.json"))
    found = {}
    for folder in map(os.path.dirname, infos):
        if re.fullmatch(r"\d+\.\d+\.\d+", os.path.basename(folder)):
            found[tuple(map(int, os.path.basename(folder).split(".")))] = folder
    if not found:
        _raise_not_prepared(name, data_dir, root)
    return found[max(found)]


def _raise_not_prepared(name, data_dir, root):
    # Asking TFDS for the builder would go to the network and wait; asking for its class does not.
    import tensorflow_datasets as tfds

    try:
        tfds.builder_cls(name.split("/")[0])
    except (ValueError, tfds.core.DatasetNotFoundError) as error:
        raise ValueError(
            f"Expected name to be digits, one of {', '.join(DENSITIES)}, or a TFDS image dataset. "
            f"Received: name={name!r}"
        ) from error
    raise FileNotFoundError(
        f"Expected the TFDS dataset {name} to be prepared in {root}; nothing is downloaded here, "
        f"so run: tfds build {name} --data_dir={root}. "
        f"Received: name={name!r}, data_dir={data_dir!r}"
    )


def _processing(name, feature):
    """The event shape and the function that brings an image to it."""
    shape = tuple(feature.shape)
    if name == "celeb_a" and shape == (218, 178, 3):
        return (64, 64, 3), _crop_face
    if name.startswith("downsampled_imagenet/"):
        # The images of a config have one size, which TFDS does not say: 32x32 or 64x64.
        height, width = name.split("/")[1].split("x")
        shape = (int(height), int(width), 3)
    if len(shape) != 3 or None in shape or feature.np_dtype != np.uint8:
        raise ValueError(
            "Expected a dataset of uint8 images of one fixed size (height, width, channels). "
            f"Received: name={name!r}, shape={shape!r}, dtype={np.dtype(feature.np_dtype).name}"
        )
    return shape, lambda image: image


def _crop_face(image):
    """RealNVP's preparation of CelebA: crop to 148x148, scale to 64x64 (arXiv 1605.08803)."""
    # Area averages pixels as they overlap, so nothing aliases.
    scaled = tf.image.resize(image[40:188, 15:163], (64, 64), method="area")
    return tf.cast(tf.round(scaled), tf.uint8)
