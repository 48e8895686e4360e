"""The data that the page can name: examples of the test split, and what was given to it."""

import collections
import itertools
import threading

import numpy as np

# Data given to the page that is kept; what came first goes first.
_MOST = 64


class Shelf:
    """Data by short names: `example-3` of the test split, `given-5` of the page's visitors.

    Args:
      examples: Array `[n, *event_shape]`.
      labels: Their classes, int array `[n]`, or None.
    """

    def __init__(self, examples, labels=None):
        self._examples = {f"example-{i}": np.asarray(x) for i, x in enumerate(examples)}
        self._labels = {} if labels is None else dict(zip(self._examples, labels, strict=True))
        self._given = collections.OrderedDict()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    @property
    def examples(self):
        """The names of the examples, each with its class or None."""
        labels = self._labels
        return [(n, int(labels[n]) if n in labels else None) for n in self._examples]

    def add(self, x):
        """Keeps a datum, and returns its name."""
        with self._lock:
            name = f"given-{next(self._numbers)}"
            self._given[name] = x
            while len(self._given) > _MOST:
                self._given.popitem(last=False)
        return name

    def __getitem__(self, name):
        with self._lock:
            x = self._examples.get(name, self._given.get(name))
        if x is None:
            raise ValueError(
                "Expected the name of an example, or of data given not too long ago. "
                f"Received: {name!r}"
            )
        return x
