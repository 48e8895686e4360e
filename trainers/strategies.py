"""`tf.distribute` strategies by name."""

import faulthandler
import json
import os

import tensorflow as tf

from trainers import gathering, signals

# Seconds for workers that are all there to join.
_JOINING = 60

NAMES = ("default", "mirrored", "multi_worker", "tpu")


def make(name, logical_cpus=1, tpu=""):
    """Returns a strategy; it must be made before TensorFlow has computed anything.

    Args:
      name: "default", TensorFlow's own, of one device; "mirrored", all GPUs, or all logical CPUs
        where there is none; "multi_worker", those of several machines, each of which runs the
        program with its own TF_CONFIG; "tpu", all cores of a TPU.
      logical_cpus: devices to split the CPU into; if it has been split into more, so many of them.
      tpu: name or address of the TPU; "" for that of this machine.

    Raises:
      ValueError: TensorFlow has started with fewer CPU devices, there is no cluster in
        TF_CONFIG, or no TPU.
    """
    if logical_cpus > 1:
        if name in ("multi_worker", "tpu"):
            raise ValueError(
                f"Expected one CPU for strategy={name!r}. Received: logical_cpus={logical_cpus!r}"
            )
        _split_cpu(logical_cpus)
    if name == "default":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return _mirrored(logical_cpus)
    return _multi_worker() if name == "multi_worker" else _tpu(tpu)


def check_batch_size(strategy, batch_size):
    """Refuses batches that the devices cannot share equally: some would wait for the others.

    Raises:
      ValueError: `batch_size` is no multiple of the number of devices.
    """
    devices = strategy.num_replicas_in_sync
    if batch_size % devices:
        raise ValueError(
            f"Expected batch_size to be a multiple of the number of devices, {devices}. "
            f"Received: batch_size={batch_size!r}"
        )


def check_cluster(text):
    """Returns the addresses of all workers and this one's index, from a TF_CONFIG.

    Raises:
      ValueError: it is no JSON, or has no workers, or no task that is one of them.
    """
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        kind, index = task["type"], int(task["index"])
        chiefs, others = cluster.get("chief", []), cluster.get("worker", [])
        addresses = [*chiefs, *others]
        ports = [int(address.rsplit(":", 1)[1]) for address in addresses]
        known = 0 <= index < len({"chief": chiefs, "worker": others}[kind])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"{_EXPECTED} Received: TF_CONFIG={text!r}") from error
    if not known or not all(0 < port < 2**16 for port in ports):
        raise ValueError(f"{_EXPECTED} Received: TF_CONFIG={text!r}")
    return addresses, index + (len(chiefs) if kind == "worker" else 0)


def _mirrored(logical_cpus):
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    if gpus:
        return tf.distribute.MirroredStrategy(gpus)
    cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
    # The collectives of CPUs, the default, get mixed up by a second strategy in the process.
    reduction = tf.distribute.ReductionToOneDevice()
    cpus = cpus[:logical_cpus] if logical_cpus > 1 else cpus
    return tf.distribute.MirroredStrategy(cpus, cross_device_ops=reduction)


def _multi_worker():
    addresses, index = check_cluster(os.environ.get("TF_CONFIG", ""))
    gathering.wait(addresses, index)
    # If one is lost right now TensorFlow waits for it, and nothing of Python runs meanwhile.
    faulthandler.dump_traceback_later(_JOINING, exit=True)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise ValueError(
            "Expected a cluster that can be joined. "
            f"Received: TF_CONFIG={os.environ['TF_CONFIG']!r}, {str(error).splitlines()[0]}"
        ) from error
    finally:
        faulthandler.cancel_dump_traceback_later()
    signals.install_again()
    return strategy


def _tpu(address):
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(address or "local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ValueError(
            "Expected a TPU for strategy='tpu', and tpu as its name or address. "
            f"Received: tpu={address!r}, {str(error).splitlines()[0]}"
        ) from error
    return tf.distribute.TPUStrategy(resolver)


_EXPECTED = (
    "Expected TF_CONFIG to be the JSON of a cluster and of this task, as in "
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}.'
)


def _split_cpu(count):
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    if len(tf.config.get_logical_device_configuration(cpu) or ()) >= count:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError as error:
        raise ValueError(
            "Expected logical_cpus to be set before TensorFlow starts. "
            f"Received: logical_cpus={count!r}"
        ) from error
