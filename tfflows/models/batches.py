"""The forms in which batches reach a flow: with conditions, with labels, from several replicas."""

import keras
import tensorflow as tf

from tfflows.models import labels, workers


def unpack(data):
    """Returns `(x, condition)` for x or `{"x": x, "condition": condition}`."""
    if not isinstance(data, dict):
        return data, None
    if set(data) != {"x", "condition"}:
        raise ValueError(f"Expected the keys x and condition. Received: keys={sorted(data)}")
    return data["x"], data["condition"]


def with_labels(flow, data, name="condition"):
    """Returns the data of a step of Keras, `(x, y, weights)` or less, with y among the inputs.

    For a class-conditional flow it is `({"x": x, name: labels}, labels, weights)`, the labels those
    of an x that has them already, else y. For others it is the data as it is.
    """
    if flow.classes is None:
        return data
    x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
    x, condition = unpack(x)
    y = y if condition is None else condition
    labels.check_missing(y)
    return {"x": x, name: y}, y, weights


def first_batch(flow, iterator):
    """Returns x and condition of a Keras epoch iterator's first batch, of all replicas together."""
    for _, _, batches in iterator:
        batch = next(batches)
        break
    batch = with_labels(flow, batch)
    batch = batch[0] if isinstance(batch, tuple | list) else batch

    strategy = flow.distribute_strategy
    if isinstance(batch, dict):
        return unpack({key: workers.whole(value, strategy) for key, value in batch.items()})
    return workers.whole(batch, strategy), None


def evaluate(function, shape, value, condition, *others):
    """Returns `function(value, condition, rank, *others)`, of a batch of data of a shape.

    For a batch that is known to be empty it is what an example of zeros gives, without the example:
    the convolutions of TensorFlow's CPU kernels return no data in a wrong shape.
    """
    rank = value.shape.rank
    batch = value.shape[: rank - len(shape)]
    if batch.num_elements() != 0:
        return function(value, condition, rank, *others)

    def one(tensor):
        return tf.zeros([1] * len(batch) + tensor.shape[len(batch) :], tensor.dtype)

    results = function(one(value), None if condition is None else one(condition), rank, *others)
    return tf.nest.map_structure(
        lambda r: tf.zeros(batch + r.shape[len(batch) :], r.dtype), results
    )


def never_empty(x, condition):
    """Returns x and condition with an example of zeros for none, and the number of real ones.

    Of a last batch with fewer examples than replicas some get none, which convolutions refuse.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return x, condition, None
    count = tf.shape(x)[0]

    def filled(value):
        shape = tf.concat([[tf.maximum(0, 1 - count)], tf.shape(value)[1:]], axis=0)
        return tf.concat([value, tf.zeros(shape, value.dtype)], axis=0)

    return filled(x), None if condition is None else filled(condition), count
