"""How a coupling divides an event: the part it keeps and the part it changes."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import checks, structure


class Halves(structure.Structured):
    """Splits the last axis in two: one part is kept, the other changed.

    Args:
      event_shape: Shape of the event.
      swap: Whether the second part is kept and the first changed.
      size: Length of the first part; half of the last axis, which must be even, if None.

    Raises:
      ValueError: if the axis cannot be split so.
    """

    _structure_of = ("event_shape", "swap", "size")

    def __init__(self, event_shape, *, swap=False, size=None):
        self.event_shape = checks.shape(event_shape, "event_shape")
        total = self.event_shape[-1]
        if size is None and total % 2:
            raise ValueError(
                "Expected an even number of channels (or `size`, the length of the first part). "
                f"Received: event_shape={self.event_shape}"
            )
        size = total // 2 if size is None else checks.integer(size, "size")
        if size >= total:
            raise ValueError(f"Expected size below the last axis, {total}. Received: size={size}")
        self.swap, self.size = swap, size
        self.sizes = (size, total - size)
        kept, changed = reversed(self.sizes) if swap else self.sizes
        self.kept_shape = (*self.event_shape[:-1], kept)
        self.changed_shape = (*self.event_shape[:-1], changed)

    def split(self, value):
        """Returns the kept and the changed part."""
        first, second = tf.split(value, self.sizes, axis=-1)
        return (second, first) if self.swap else (first, second)

    def merge(self, kept, changed):
        """Puts the parts together again."""
        return tf.concat([changed, kept] if self.swap else [kept, changed], axis=-1)

    def only_changed(self, params):
        """The parameters of changed places: all of them."""
        return params

    def only_kept(self, value):
        """The kept part of a value of its shape: all of it."""
        return value

    def sum(self, terms):
        """Sums elementwise terms of the changed part over the event; leaves a scalar as it is."""
        return _sum(terms, len(self.event_shape))


class Mask(structure.Structured):
    """Divides by a mask: 1 where the event is kept, 0 where it is changed.

    Both parts have the whole event's shape, with zeros in the other's place.

    Args:
      event_shape: Shape of the event.
      mask: Array of zeros and ones that broadcasts against the event.

    Raises:
      ValueError: if the mask has other values or does not broadcast, or changes nothing.
    """

    _structure_of = ("event_shape", "mask")

    def __init__(self, event_shape, mask):
        self.event_shape = checks.shape(event_shape, "event_shape")
        self.mask = _numbers(mask)
        try:
            full = np.broadcast_to(self.mask, self.event_shape)
        except ValueError as error:
            raise ValueError(
                f"Expected a mask that broadcasts to {self.event_shape}. "
                f"Received: mask.shape={self.mask.shape}"
            ) from error
        if not np.isin(full, (0.0, 1.0)).all() or full.all():
            raise ValueError(
                "Expected a mask of zeros (changed) and ones (kept) with at least one zero. "
                f"Received: mask={mask!r}"
            )
        self.kept_shape = self.changed_shape = self.event_shape

    def split(self, value):
        """Returns the kept and the changed part."""
        kept = tf.constant(self.mask, value.dtype)
        return value * kept, value * (1 - kept)

    def merge(self, kept, changed):
        """Puts the parts together again."""
        return kept + changed * tf.constant(1 - self.mask, changed.dtype)

    def only_changed(self, params):
        """Sets the parameters of kept places to zero: what overflows there would become NaN."""
        repeats = params.shape[-1] // self.event_shape[-1]
        changed = np.tile(np.broadcast_to(1 - self.mask, self.event_shape), repeats)
        return params * tf.constant(changed, params.dtype)

    def only_kept(self, value):
        """Sets changed places to zero."""
        return value * tf.constant(self.mask, value.dtype)

    def sum(self, terms):
        """Sums elementwise terms of the changed part over the event; leaves a scalar as it is."""
        if terms.shape.rank == 0:
            return terms
        return _sum(terms * tf.constant(1 - self.mask, terms.dtype), len(self.event_shape))


def checked(partition):
    """Returns what a bijector was given as its partition, if it is one."""
    if not isinstance(partition, Halves | Mask):
        raise TypeError(f"Expected Halves or a Mask. Received: partition={partition!r}")
    return partition


def _numbers(mask):
    try:
        return np.asarray(mask).astype(np.float64, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected a mask of zeros (changed) and ones (kept). Received: mask={mask!r}"
        ) from error


def _sum(terms, event_ndims):
    return (
        terms if terms.shape.rank == 0 else tf.reduce_sum(terms, axis=list(range(-event_ndims, 0)))
    )


def checkerboard_mask(event_shape, *, odd=False):
    """A mask that alternates along the axes of a vector or over the pixels of an image.

    Args:
      event_shape: `(dim,)` or `(height, width, channels)`.
      odd: Whether the ones stand where the sum of the coordinates is odd; even otherwise.

    Returns:
      Float array `[dim]` or `[height, width, 1]`.

    Raises:
      ValueError: if the event is neither vector nor image.
    """
    dims = checks.shape(event_shape, "event_shape")
    if len(dims) == 1:
        coordinates = np.arange(dims[0])
    elif len(dims) == 3:
        coordinates = np.arange(dims[0])[:, None, None] + np.arange(dims[1])[:, None]
    else:
        raise ValueError(f"Expected a vector or an image. Received: event_shape={event_shape!r}")
    return ((coordinates + (not odd)) % 2).astype(np.float64)


def channel_mask(event_shape, *, swap=False):
    """A mask of the first half of the last axis (the second half if `swap`), `[channels]`."""
    halves = Halves(event_shape, swap=swap)
    first = np.arange(sum(halves.sizes)) < halves.size
    return (first != swap).astype(np.float64)
