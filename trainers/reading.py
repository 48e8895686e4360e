"""Files that cannot be read: which one, and which record of it."""

import contextlib

import tensorflow as tf

from tfflows import data

# What TensorFlow says of damaged, missing and short files, and of records that are no images.
_ERRORS = (
    tf.errors.DataLossError,
    tf.errors.NotFoundError,
    tf.errors.InvalidArgumentError,
    tf.errors.FailedPreconditionError,
    tf.errors.OutOfRangeError,
)


@contextlib.contextmanager
def named_files(settings, *, search=True):
    """Context in which TensorFlow's errors that come from a file of the dataset name it.

    Args:
      settings: of the run, with its `dataset` and `data_dir`.
      search: whether to look through the files, which takes as long as reading all of them. If
        not, only what TensorFlow says is an error of a file is one, and it is not named.

    Raises:
      OSError: has the file, the record and what is wrong; errors of no file stay what they are.
    """
    try:
        yield
    except _ERRORS as error:
        if not search:
            if not isinstance(error, tf.errors.DataLossError):
                raise
            raise OSError(
                f"Expected files of {settings.dataset} that can be read "
                "(tfflows.data.find_unreadable says which cannot). "
                f"Received: {str(error).splitlines()[0]}"
            ) from error
        try:
            found = _unreadable(settings)
        except ValueError:  # the files are of a kind that cannot be looked through
            found = None
        if found is None:
            raise
        raise OSError(
            f"Expected files of {settings.dataset} that can be read. Received: {found}"
        ) from error


def _unreadable(settings):
    if settings.dataset == "digits" or settings.dataset in data.DENSITIES:
        return None
    print("Looking for a file of the dataset that cannot be read", flush=True)
    for split in data.SPLITS:
        found = data.find_unreadable(settings.dataset, split, data_dir=settings.data_dir)
        if found is not None:
            return found
    return None
