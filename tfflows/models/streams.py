"""Checks of a `tf.data.Dataset` on its way to a flow: on the host, whatever the device does."""

import re

import tensorflow as tf

from tfflows.models import parts, refusals, workers

_FILLED = 1  # key of whether there was a batch with examples


class Stream:
    """A `tf.data.Dataset` of batches with checks behind it: the first bad batch is an error.

    TensorFlow's error has the place and the value, in a form that `explain` makes a sentence of.
    What dtypes and static shapes make impossible is not looked for: many data sets of 8-bit images
    stay as they are. Cardinality and the shares of replicas stay too, and the element's spec, but
    that a shape which is not known becomes the flow's.

    Args:
      flow: A `Flow`.
      dataset: `tf.data.Dataset` of batches as `fit` takes them.
      data: Name of the argument that it is.

    Attributes:
      dataset: the data set with its checks.

    Raises:
      DataError, ValueError, TypeError: if its spec is of no data of the flow, or it is known to be
        empty.
    """

    def __init__(self, flow, dataset, data="x"):
        self._flow, self._given, self._place = flow, dataset, refusals.Place(data=data)
        if dataset.cardinality() == 0:
            raise self._none()
        with tf.Graph().as_default():
            made = self._parts(tf.nest.map_structure(_placeholder, dataset.element_spec))
            needed = any(part.tests or part.refined is not None for part in made)
        self._limits = {part.name: part.limit for part in made}
        self._known = None
        # Several workers share the files out among them: TensorFlow cannot through what numbers.
        together = workers.are_several(flow.distribute_strategy)
        if dataset.cardinality() == tf.data.UNKNOWN_CARDINALITY and not together:
            # No variable, which would be several in the scope of a strategy.
            self._known = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, 0)
        self.dataset = dataset
        if needed and together:
            self.dataset = _mapped(dataset, lambda batch: self._step(-1, batch)[1])
        elif needed or self._known:
            self.dataset = dataset.scan(tf.constant(0, tf.int64), _plain(self._step))
        if self._known:
            self.dataset = self.dataset.concatenate(self._end())

    def explain(self, error):
        """Returns the error that one of TensorFlow's stands for, or None for one of another's."""
        text = str(error)
        found = re.search(rf"{self._mark};(\w+);(.*?)end", text)
        if found:
            kinds = {"value": self._value, "shape": self._shape, "none": self._none}
            return kinds[found[1]](*found[2].split(";")[:-1])
        # Of tf.data.Dataset.from_generator. TensorFlow reads ahead, so nobody knows the batch.
        found = re.search(r"`generator` yielded (an element [^\n]*?)\.?\n", text)
        if found is None:
            return None
        return refusals.DataError(
            f"Expected {self._place.data} to yield what its output_signature says. "
            f"Received: {found[1]}"
        )

    # The errors, from the texts of their parts.

    def _value(self, name, batch, index, value):
        place = self._place._replace(batch=int(batch))
        return refusals.bad_value(name, self._limits[name], index.split(","), value, place)

    def _shape(self, name, batch, expected, received):
        place = self._place._replace(batch=int(batch))
        received = tuple(int(size) for size in received.split(",") if size)
        return refusals.bad_shape(name, expected, received, place)

    def _none(self):
        return refusals.no_examples(f"{self._place.data}={self._given!r}", self._place)

    # The graph.

    @property
    def _mark(self):
        return f"bad {self._place.data}"

    def _parts(self, batch):
        return parts.of_batch(self._flow, batch, self._place)

    def _step(self, number, batch):
        """Returns the number of the next batch, and this one once it is found to be good."""
        made = self._parts(batch)
        tests = [test for part in made for test in part.tests]
        number = tf.convert_to_tensor(number, tf.int64)
        good = tf.reduce_all([ok for ok, _ in tests] or [True])
        passed = tf.cond(good, lambda: True, lambda: self._refuse(number, tests))
        with tf.control_dependencies([passed]):
            if self._known:
                filled = tf.cast(tf.size(made[0].tensor) > 0, tf.int64)
                self._known.insert(filled, filled)
            return number + 1, parts.refined(batch, made)

    def _refuse(self, number, tests):
        for ok, details in tests:
            tf.cond(ok, lambda: True, lambda details=details: self._stop(number, *details()))
        return True

    def _stop(self, number, kind, name, *texts):
        words = [self._mark, kind, name, tf.strings.as_string(number), *texts, "end"]
        tf.debugging.Assert(False, [tf.strings.join(words, ";")])
        return True

    def _end(self):
        """A data set of no batches, which is an error if there were none before it."""
        none = _mapped(self._given.take(0), lambda batch: parts.refined(batch, self._parts(batch)))

        def end(_):
            filled = self._known.lookup(tf.constant(_FILLED, tf.int64))
            tf.debugging.Assert(filled > 0, [f"{self._mark};none;end"])
            return none

        return tf.data.Dataset.from_tensors(0).flat_map(_plain(end))


def _plain(function):
    """A function that is traced as it is written."""
    return tf.autograph.experimental.do_not_convert(function)


def _mapped(dataset, function):
    """The data set mapped by a function of a whole element, be it a tuple or not."""
    if type(dataset.element_spec) is tuple:
        return dataset.map(_plain(lambda *batch: function(batch)))
    return dataset.map(_plain(function))


def _placeholder(spec):
    if isinstance(spec, tf.TensorSpec):
        return tf.compat.v1.placeholder(spec.dtype, spec.shape)
    return None if spec.value_type is type(None) else spec
