"""Damages a file of a TFDS dataset of 4 records, in the ways that files come to harm."""

import numpy as np
import tensorflow as tf

# How: the record that is then found, and how what is wrong with it starts.
KINDS = {
    "flipped bit": (2, "corrupted record at"),
    "truncated": (3, "truncated record at"),
    "missing": (None, "there is no such file"),
    "nothing in it": (0, "the file has no more, of 4 records"),
    "fewer records": (2, "the file has no more, of 4 records"),
    "no image": (2, "Unknown image file format"),
    "another size": (2, "Shape of tensor"),
}


def file(folder, split, index):
    """The path of the file of a split in a folder of TFDS."""
    return sorted(folder.rglob(f"*-{split}.tfrecord-*"))[index]


def make(file, kind):
    """Damages a file."""
    content, records = file.read_bytes(), _records(file)
    if kind == "flipped bit":
        # In the data of the third record: each has 12 bytes before it and 4 behind.
        place = sum(len(record) + 16 for record in records[:2]) + 12 + len(records[2]) // 2
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif kind == "truncated":
        file.write_bytes(content[:-20])
    elif kind == "missing":
        file.unlink()
    elif kind == "nothing in it":
        file.write_bytes(b"")
    elif kind == "fewer records":
        _write(file, records[:2])
    else:
        other = np.zeros((5, 5, 3), np.uint8)
        image = b"none" if kind == "no image" else tf.io.encode_png(other).numpy()
        example = tf.train.Example.FromString(records[2])
        example.features.feature["image"].bytes_list.value[0] = image
        _write(file, [*records[:2], example.SerializeToString(), records[3]])


def _records(file):
    return list(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())


def _write(file, records):
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records:
            writer.write(record)


def relabel(file, index, label):
    """Gives a record another label."""
    records = _records(file)
    example = tf.train.Example.FromString(records[index])
    example.features.feature["label"].int64_list.value[0] = label
    records[index] = example.SerializeToString()
    _write(file, records)
