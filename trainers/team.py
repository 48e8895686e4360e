"""`Team`: the processes of a run, of which the first alone reads and writes the workdir."""

import contextlib
import json
import pathlib
import re
import tempfile

import numpy as np
import tensorflow as tf

from tfflows.models import workers

# What a collective ends in when a worker does not take part any more.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
)
# Bytes that are sent at once.
_PART = 2**26


class Team:
    """The workers of a strategy; one without others where it has but one process.

    All workers must call a method for any of them to go on.

    Args:
      strategy: the strategy that the run trains with.

    Attributes:
      count: number of workers.
      index: of this worker; the first is 0.
      is_first: whether this is the one that writes.
    """

    def __init__(self, strategy):
        self._strategy = strategy
        self.count = workers.count(strategy)
        self.index = workers.index(strategy)
        self.is_first = self.index == 0

    def by_first(self, function, *args):
        """Returns what the first worker's `function(*args)` returns, through JSON.

        Raises:
          ValueError: the first worker's, on all; its other errors end the first worker only.
        """
        if self.count == 1:
            return function(*args)
        value, failure = None, None
        if self.is_first:
            try:
                value = function(*args)
            except ValueError as error:
                failure = error
        value, message = self._told([value, None if failure is None else str(failure)])
        if failure is not None:
            raise failure
        if message is not None:
            raise ValueError(message)
        return value

    def total(self, values):
        """Returns the sums over the workers of float64 numbers, an array."""
        return np.asarray(workers.total(tf.constant(values, tf.float64), self._strategy))

    def largest(self, values):
        """Returns the largest that a worker has of each of a few numbers, as floats."""
        if self.count == 1:
            return [float(value) for value in values]
        table = np.zeros([self.count, len(values)])
        table[self.index] = values
        return self.total(table).max(axis=0).tolist()

    def wait(self):
        """Returns when all workers have come here."""
        self.total([0.0])

    def shard(self, dataset):
        """Returns this worker's share of the batches of a dataset."""
        return dataset if self.count == 1 else dataset.shard(self.count, self.index)

    @contextlib.contextmanager
    def whole(self):
        """Context whose work fails with a ConnectionError when a worker is lost."""
        try:
            yield
        except _LOST as error:
            if self.count == 1:
                raise
            tasks = re.findall(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", str(error))
            resolver = self._strategy.cluster_resolver
            own = (resolver.task_type, str(resolver.task_id))
            others = sorted({f"{job} {task}" for job, task in tasks if (job, task) != own})
            # Without a name it is the one that the others hear of each other by.
            lost = ", ".join(others) or ("one" if self.is_first else "the first")
            raise ConnectionError(
                f"Expected all {self.count} workers to go on. Received: "
                f"{lost} has ended or is out of reach, so this one ends; "
                "the same command on all of them goes on from the last checkpoint"
            ) from error

    @contextlib.contextmanager
    def copies(self):
        """Context with a function that returns the path of a copy of the first worker's file.

        It must be called by all workers, and raises FileNotFoundError on all if there is none. So
        they can read a model together: reading one may make variables, which all have to make.
        """
        with tempfile.TemporaryDirectory() as folder:

            def copy(path):
                found, content = self._sent(_content(path) if self.is_first else None)
                if not found:
                    raise FileNotFoundError(f"there is no {path.name} that can be read")
                if self.is_first:
                    return path
                place = pathlib.Path(folder, path.name)
                place.write_bytes(content)
                return place

            yield (lambda path: path) if self.count == 1 else copy

    def _told(self, value):
        """Returns the first worker's value, which is JSON's."""
        return json.loads(self._sent(json.dumps(value).encode())[1])

    def _sent(self, content):
        """Returns whether the first worker has content, not None, and its bytes."""
        mine = (content or b"") if self.is_first else b""
        found = self.is_first and content is not None
        found, size = self.total([float(found), float(len(mine))]).tolist()
        parts = []
        for start in range(0, int(size), _PART):
            length = min(_PART, int(size) - start)
            part = mine[start : start + length]
            words = np.zeros([-(-length // 4)], np.int32)
            words.view(np.uint8)[: len(part)] = np.frombuffer(part, np.uint8)
            sent = workers.total(tf.constant(words), self._strategy).numpy()
            parts.append(sent.tobytes()[:length])
        return bool(found), b"".join(parts)


def _content(path):
    try:
        return path.read_bytes()
    except OSError:  # which all workers have to be told
        return None
