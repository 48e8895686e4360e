"""Which record of which file of a TFDS dataset cannot be read."""

import re
from typing import NamedTuple

import tensorflow as tf

from tfflows.data import images
from tfflows.data.splits import check_split


class Unreadable(NamedTuple):
    """A record that cannot be read; as a string, a phrase.

    Attributes:
      file: path of the file.
      record: number of the record in the file, counted from 0; None where there is no file.
      reason: what is wrong with it.
    """

    file: str
    record: int | None
    reason: str

    def __str__(self):
        place = f"file={self.file!r}"
        if self.record is not None:
            place += f", record={self.record}, counted from 0"
        return f"{place}: {self.reason}"


def find_unreadable(name, split="train", *, data_dir=None):
    """Finds the first record of a split that is missing, damaged or no image of the dataset.

    `load` reads records as a model asks for them, and TensorFlow's errors do not say which one
    could not be read. This reads the files of the split one by one, and decodes all images.

    Args:
      name: TFDS name of a dataset that is prepared in `data_dir`, as in `load`.
      split: `train`, `validation` or `test`, as in `load`.
      data_dir: folder of prepared TFDS datasets; None for TFDS's own.

    Returns:
      `Unreadable(file, record, reason)`, or None if all can be read.

    Raises:
      TypeError, ValueError, FileNotFoundError: as `load`, and if the files are no TFRecords.
    """
    check_split(name, split)
    info = images.prepared_builder(name, data_dir).info
    if info.file_format.value != "tfrecord":
        raise ValueError(
            "Expected a dataset in TFRecord files. "
            f"Received: name={name!r}, file_format={info.file_format.value!r}"
        )
    _, image_of = images.images_of(name, info)
    source, first, last = images.source_range(name, info, split)

    def decoded(record):
        return image_of(info.features.deserialize_example(record))[0, 0, 0]

    for part in info.splits[f"{source}[{first}:{last}]"].file_instructions:
        # TensorFlow reads the records that it skips, too.
        needed = part.examples_in_shard if part.take == -1 else part.skip + part.take
        found = _first(str(part.filename), needed, decoded)
        if found is not None:
            return found
    return None


def _first(file, needed, decoded):
    if not tf.io.gfile.exists(file):
        return Unreadable(file, None, "there is no such file")
    records = tf.data.TFRecordDataset(file).map(
        decoded, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    count = 0
    try:
        for _ in records.take(needed):
            count += 1
    except tf.errors.OpError as error:
        return Unreadable(file, count, _reason(error))
    if count < needed:
        return Unreadable(file, count, f"the file has no more, of {needed} records")
    return None


def _reason(error):
    """TensorFlow's message without the names of its operations."""
    text = re.sub(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:.*", "", error.message, flags=re.DOTALL)
    text = re.sub(r"Error in user-defined function .*? iterator: \S+:", "", text)
    return " ".join(text.replace("'", "").split()).rstrip(" .;") or type(error).__name__
