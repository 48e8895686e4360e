"""What a computation is made of besides its variables: equal structure, equal computation."""

import numpy as np
import tensorflow as tf


class Structured:
    """Mixin of what can tell its structure.

    `structure()` is a hashable value. Of two objects with the same one, either computes what the
    other does once it is given the other's variables. A class says what its computation depends
    on by the names of attributes in its own `_structure_of`. Subclasses do not inherit it: what
    they add is not known, so they have no structure, None, until they say.
    """

    def structure(self):
        """Returns the structure, or None if it is not known."""
        names = vars(type(self)).get("_structure_of")
        return None if names is None else of((type(self), *(getattr(self, n) for n in names)))


def of(value):
    """Returns the structure of a value, or None if it is not known."""
    if hasattr(value, "structure") and not isinstance(value, type):
        return value.structure()
    if isinstance(value, np.ndarray):
        return ("array", value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, list | tuple):
        parts = tuple(of(part) for part in value)
        return None if any(part is None for part in parts) else parts
    known = isinstance(value, type | str | bool | int | float | tf.DType)
    return (type(value), value) if known else None
