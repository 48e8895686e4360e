"""The words in which bad data are refused: what was expected, and of which element it is not."""

from typing import NamedTuple


class DataError(ValueError):
    """Data that a flow cannot take; the message says which element, where there is one."""


class Place(NamedTuple):
    """Where data are found.

    Attributes:
      batch: number of the batch in its stream, counted from 0; None for data that are whole, and
        -1 for a batch whose number nobody knows.
      data: name of the argument.
    """

    batch: int | None = None
    data: str = "x"

    @property
    def of(self):
        """The argument, where its name is not the data's own."""
        return "" if self.data == "x" else f" of {self.data}"

    @property
    def words(self):
        """The batch."""
        if self.batch is None:
            return ""
        return "a batch" if self.batch < 0 else f"batch {self.batch}, counted from 0"

    @property
    def inside(self):
        """The batch, at the end of a sentence."""
        return self.words and f" in {self.words}"


WHOLE = Place()


def bad_value(name, limit, index, value, place, summary=""):
    """Returns the error for the first value that is no data.

    Args:
      name: of the tensor.
      limit: integers are below it, and at least 0; None for values that have to be finite.
      index: of the value in the tensor.
      value: it, or its text.
      place: the tensor's `Place`.
      summary: how the whole is, said of data that are no batch.
    """
    element = f"{name}[{', '.join(map(str, index))}]={value}"
    if place.batch is None:
        received = f"{summary}, the first {element}"
    else:
        received = f"{element}, example {index[0]} of {place.words}"
    return DataError(f"{_expected(name, limit, place.of)}. Received: {received}")


def bad_shape(name, expected, received, place):
    """Returns the error for a shape; the shapes are texts."""
    return DataError(
        f"Expected {name}{place.of} of shape {expected}. "
        f"Received: {name}.shape={received}{place.inside}"
    )


def no_examples(received, place):
    """Returns the error for data without examples, described by a text."""
    return DataError(f"Expected at least one example in {place.data}. Received: {received}")


def _expected(name, limit, of):
    if name == "labels":
        return f"Expected labels{of} from 0 to {limit - 1}"
    values = "finite values" if limit is None else f"integers from 0 to {limit - 1}"
    return f"Expected {values} in {name}{of}"
