"""The three splits every dataset has here, and how they come from the ones it was made with."""

SPLITS = ("train", "validation", "test")

# Validation images taken from train, where another number than a tenth is the custom.
_VALIDATION_SIZES = {
    "mnist": 10_000,
    "fashion_mnist": 10_000,
    "kmnist": 10_000,
    "downsampled_imagenet": 10_000,
}


def check_split(name, split):
    """Refuses what is no name and no split.

    Raises:
      TypeError: `name` is not a string.
      ValueError: `split` is none of `SPLITS`.
    """
    if not isinstance(name, str):
        raise TypeError(f"Expected name to be a string. Received: name={name!r}")
    if not isinstance(split, str) or split not in SPLITS:
        raise ValueError(
            f"Expected split to be one of {', '.join(SPLITS)}. Received: split={split!r}"
        )


def split_ranges(name, sizes):
    """Maps each of `SPLITS` to (source split, first, last): fixed, disjoint ranges of examples.

    The test split is the set's own; without one it is the set's validation split (as published
    results on downsampled ImageNet have it), without either the last tenth of train. Validation is
    the set's own unless it became the test split, else the tail of what is left of train: the last
    10,000 images of the MNIST family and of downsampled ImageNet, the last tenth of others.

    Args:
      name: TFDS name, with or without `/config`.
      sizes: number of examples of each split of the source, by its name.

    Raises:
      ValueError: there is no train split, or it is too small to be cut.
    """
    if sizes.get("train", 0) < 3:
        raise ValueError(
            "Expected a dataset with a train split of at least 3 examples. "
            f"Received: name={name!r}, splits={sizes!r}"
        )
    left, ranges = sizes["train"], {}

    def tail(size):
        nonlocal left
        left -= size
        return ("train", left, left + size)

    if sizes.get("test"):
        ranges["test"] = ("test", 0, sizes["test"])
    elif sizes.get("validation"):
        ranges["test"] = ("validation", 0, sizes["validation"])
    else:
        ranges["test"] = tail(max(1, left // 10))
    if sizes.get("validation") and ranges["test"][0] != "validation":
        ranges["validation"] = ("validation", 0, sizes["validation"])
    else:
        custom = _VALIDATION_SIZES.get(name.split("/")[0], left)
        ranges["validation"] = tail(custom if custom < left else max(1, left // 10))
    ranges["train"] = ("train", 0, left)
    return ranges
