"""Small TFDS datasets, written by TFDS itself."""

import numpy as np
import tensorflow_datasets as tfds


def prepare(folder, name, sizes, shape, dtype=np.uint8, label=True, key="image", fixed=None):
    """Writes a TFDS dataset of random images; image i of a split has the value i in its corner."""
    features = {key: tfds.features.Image(shape=fixed or shape, dtype=dtype, encoding_format="png")}
    if label:
        features["label"] = tfds.features.ClassLabel(num_classes=10)
    rng = np.random.default_rng(0)
    splits = {}
    for split, size in sizes.items():
        images = rng.integers(0, 256, (size, *shape)).astype(dtype)
        images[:, 0, 0, 0] = np.arange(size)
        splits[split] = [
            (i, {key: image, **({"label": i % 10} if label else {})})
            for i, image in enumerate(images)
        ]
    name, _, config = name.partition("/")
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        config=config or None,
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets=splits,
        data_dir=folder,
        download_config=tfds.download.DownloadConfig(num_shards=min(sizes.values())),
        disable_shuffling=True,
    )
