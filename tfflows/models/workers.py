"""Keras' loops on several machines, under `tf.distribute.MultiWorkerMirroredStrategy`.

Keras 3 fails there in two places (keras-team/keras#20585): it reduces a batch to build a model with
it, although the model is built, and it reduces the logs along their first axis, which scalars do
not have. The first is passed over by `MaximumLikelihood._maybe_symbolic_build`; what mends the
second is `reducible`. `tests/workers/test_upstream.py` fails when Keras needs neither any more, or
can make several steps a call there.
"""

import random
import zlib

import tensorflow as tf

from tfflows.models import refusals


def are_several(strategy):
    """Whether a strategy has replicas in several processes."""
    kind = tf.distribute.MultiWorkerMirroredStrategy
    return isinstance(strategy, kind) and strategy.extended._in_multi_worker_mode()


def count(strategy):
    """Returns the number of processes."""
    return strategy.extended._num_workers if are_several(strategy) else 1


def index(strategy):
    """Returns the number of this process among them, counted from 0: the first's is 0."""
    return strategy.extended._id_in_cluster if are_several(strategy) else 0


def check_steps(steps_per_execution, strategy):
    """Refuses several steps a call where Keras' loop of them cannot be built.

    Raises:
      ValueError: there are several workers, and more than one step.
    """
    if steps_per_execution != 1 and are_several(strategy):
        raise ValueError(
            "Expected one step a call on several workers, as TensorFlow cannot run Keras' loop of "
            f"more there. Received: steps_per_execution={steps_per_execution!r}"
        )


def reducible(logs, strategy):
    """Returns a step's logs in the shape in which Keras can reduce them."""
    if not are_several(strategy):
        return logs
    return tf.nest.map_structure(lambda value: tf.reshape(value, [1]), logs)


def whole(value, strategy):
    """Returns a batch of all replicas, those of all workers, as one tensor."""
    if not are_several(strategy):
        parts = strategy.experimental_local_results(value)
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)
    dtype = strategy.experimental_local_results(value)[0].dtype
    if dtype not in _SENT:
        value = _widened(value, strategy)
    return tf.cast(strategy.gather(value, axis=0), dtype)


def total(value, strategy):
    """Returns the sum of each worker's tensor, which all of them must call for."""
    if not are_several(strategy):
        return value
    return _sum(tf.convert_to_tensor(value), strategy)


def share(variables, strategy):
    """Gives all workers the values that the first one has; all of them must call it."""
    if not are_several(strategy):
        return
    for variable in variables:
        variable.assign(of_first(variable, strategy))


def of_first(value, strategy):
    """Returns the first worker's tensor, which all must call for with one of its shape."""
    value = tf.convert_to_tensor(value)
    if not are_several(strategy):
        return value
    sent = value if value.dtype in _SENT else tf.cast(value, tf.int64)
    first = index(strategy) == 0
    return tf.cast(total(sent if first else tf.zeros_like(sent), strategy), value.dtype)


def align(x, strategy):
    """Sees to it that all workers go through the same batches, of which each takes its share.

    Arrays are shuffled by a seed that the first worker draws by Python's `random`, which
    `keras.utils.set_random_seed` seeds; TensorFlow's global seed is that afterwards. Of a dataset
    the first batch is compared.

    Raises:
      DataError: the datasets of two workers differ.
    """
    if not are_several(strategy):
        return
    if not isinstance(x, tf.data.Dataset):
        # TensorFlow's global seed, by which Keras shuffles arrays.
        seed = tf.constant(random.randrange(2**31), tf.int64)
        tf.random.set_seed(int(of_first(seed, strategy)))
        return
    policy = x.options().experimental_distribute.auto_shard_policy
    if policy == tf.data.experimental.AutoShardPolicy.OFF:  # the user's own shares
        return
    checksum = 0
    values = (value for value in tf.nest.flatten(next(iter(x), ())) if value is not None)
    for value in values:
        checksum = zlib.crc32(value.numpy().tobytes(), checksum)
    checksums = strategy.gather(tf.constant([checksum], tf.int64), axis=0).numpy().tolist()
    if len(set(checksums)) > 1:
        raise refusals.DataError(
            "Expected x to be the same dataset on all workers, each of which takes its share of a "
            "batch: shuffled by one seed, and not sharded. "
            f"Received: x={x!r}, whose first batches have the checksums {checksums}"
        )


# Dtypes of TensorFlow's collectives that are of use here; small integers have none.
_SENT = (tf.bfloat16, tf.float16, tf.float32, tf.float64, tf.int32, tf.int64)


@tf.function(reduce_retracing=True)
def _widened(value, strategy):
    return strategy.run(lambda part: tf.cast(part, tf.int64), args=(value,))


@tf.function(reduce_retracing=True)
def _sum(value, strategy):
    local = len(strategy.extended.worker_devices)

    def of_replica():
        index = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.where(tf.equal(index % local, 0), value, tf.zeros_like(value))

    return strategy.reduce("SUM", strategy.run(of_replica), axis=None)
