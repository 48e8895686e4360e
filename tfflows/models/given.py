"""What Keras' loops are given: checked before and on the way, and refused in one sentence."""

import contextlib
import re
import types

import keras
import tensorflow as tf

from tfflows.models import arrays, refusals
from tfflows.models.streams import Stream

_ARGUMENTS = ("x", "validation_data")


@contextlib.contextmanager
def checked(flow, arguments):
    """Context of one of Keras' loops, with checks of its data; changes the arguments for it.

    Args:
      flow: A `Flow`.
      arguments: Dict of the loop's arguments: arrays are checked now, data sets and what makes
        batches are replaced by checked ones, and other data pass.

    Raises:
      DataError, ValueError, TypeError: what is wrong and where, for TensorFlow's own error too if
        that comes from a check.
    """
    made = []
    for name in _ARGUMENTS:
        data = arguments.get(name)
        stream = _stream(flow, data, name)
        if stream is not None:
            made.append(stream)
            arguments[name] = stream.dataset
        elif name == "x":
            arrays.check(flow, data, arguments.get("y"), arguments.get("sample_weight"))
        else:
            arrays.check_batch(flow, data, refusals.Place(data=name))
    with explained(*made):
        yield


@contextlib.contextmanager
def explained(*streams):
    """Context in which TensorFlow's errors become those that they stand for."""
    try:
        yield
    except tf.errors.OpError as error:
        for explain in (*(stream.explain for stream in streams), _guarded):
            found = explain(error)
            if found is not None:
                raise found from error
        raise


@contextlib.contextmanager
def checked_batch(flow, x, y=None, sample_weight=None):
    """Context of a step on one batch: arrays are checked before, tensors once it has failed.

    So no step waits for a device.
    """
    arrays.check(flow, *(_no_tensors(value) for value in (x, y, sample_weight)))
    try:
        yield
    except tf.errors.InvalidArgumentError:
        arrays.check(flow, x, y, sample_weight)
        raise


def batches(flow, data):
    """Yields the batches of an iterable, each checked."""
    if isinstance(data, tf.data.Dataset):
        stream = Stream(flow, data, "data")
        with explained(stream):
            yield from stream.dataset
        return
    for number, batch in enumerate(data):
        arrays.check_batch(flow, batch, refusals.Place(number, "data"))
        yield batch


class _Made:
    """Batches that Python code makes, with a check of each.

    Keras has TensorFlow call the code, whose errors come back as TensorFlow's.

    Attributes:
      dataset: what Keras is to get.
    """

    def __init__(self, flow, data, name):
        # Not the flow, as the checks may be sent to other processes.
        kept = ("event_shape", "bins", "classes")
        self._flow = types.SimpleNamespace(**{name: getattr(flow, name) for name in kept})
        self._place = refusals.Place(data=name)
        self._dtypes = None
        if isinstance(data, types.GeneratorType):
            self.dataset = self._generated(data)
        else:
            if data.num_batches == 0:
                raise refusals.no_examples(f"{name}={data!r} of 0 batches", self._place)
            self.dataset = _Indexed(data, self._check)

    def explain(self, error):
        """Returns the error for one of TensorFlow's that was made from it, or None."""
        # As text, for other threads and processes make them, and TensorFlow keeps no more.
        found = re.search(
            r"(DataError|ValueError|TypeError): (Expected .* Received: .*)\n", str(error)
        )
        if found is None:
            return None
        kinds = {"DataError": refusals.DataError, "ValueError": ValueError, "TypeError": TypeError}
        return kinds[found[1]](found[2])

    def _generated(self, data):
        number = None
        for number, batch in enumerate(data):
            self._check(number, batch)
            yield batch
        if number is None:
            raise refusals.no_examples(
                f"{self._place.data}={data!r}, which yields nothing", self._place
            )

    def _check(self, number, batch):
        place = self._place._replace(batch=number)
        self._check_dtypes(batch, place)
        arrays.check_batch(self._flow, batch, place)

    def _check_dtypes(self, batch, place):
        """Refuses another dtype than the first batch's, to which TensorFlow would cast values."""
        dtypes = arrays.dtypes(batch)
        self._dtypes = self._dtypes or dtypes
        for name, dtype in dtypes.items():
            first = self._dtypes.get(name, dtype)
            if dtype != first:
                raise TypeError(
                    f"Expected {name}{place.of} of one dtype in all batches, {first}. "
                    f"Received: {name}.dtype={dtype}{place.inside}"
                )


class _Indexed(keras.utils.PyDataset):
    """A `PyDataset` with a check, `check(index, batch)`, of what another one has."""

    def __init__(self, data, check):
        options = ("workers", "use_multiprocessing", "max_queue_size")
        super().__init__(**{name: getattr(data, name) for name in options})
        self._data, self._check_batch = data, check

    @property
    def num_batches(self):
        return self._data.num_batches

    def __getitem__(self, index):
        batch = self._data[index]
        self._check_batch(index, batch)
        return batch

    def on_epoch_begin(self):
        self._data.on_epoch_begin()

    def on_epoch_end(self):
        self._data.on_epoch_end()


def _guarded(error):
    """The error of a step on a batch that had no check before it, or None."""
    found = re.search(r"Expected (?:finite|integers|labels)[^\n:;\]]*", str(error))
    if not found:
        return None
    return refusals.DataError(
        f"{found[0].strip()}. Received: others, in a batch of data that cannot be looked through"
    )


def _stream(flow, data, name):
    """Data with its checks behind it, or None for what is no data set and makes no batches."""
    if isinstance(data, tf.data.Dataset):
        return Stream(flow, data, name)
    if isinstance(data, types.GeneratorType | keras.utils.PyDataset):
        return _Made(flow, data, name)
    return None


def _no_tensors(value):
    if isinstance(value, dict):
        return {name: _no_tensors(part) for name, part in value.items()}
    return () if isinstance(value, tf.Tensor) else value  # no array, but not left out
