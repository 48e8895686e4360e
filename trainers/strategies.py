"""`tf.distribute` strategies by name."""

import tensorflow as tf


def make(name, logical_cpus=1):
    """Returns a strategy.

    Args:
      name: "none", TensorFlow's default; "one_device", the first GPU or CPU; "mirrored", all GPUs,
        or all logical CPUs where there is none.
      logical_cpus: devices to split the CPU into; if it has been split into more, so many of them.

    Raises:
      ValueError: TensorFlow has started with fewer CPU devices.
    """
    if logical_cpus > 1:
        _split_cpu(logical_cpus)
    if name == "none":
        return tf.distribute.get_strategy()
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
    if name == "one_device":
        return tf.distribute.OneDeviceStrategy((gpus or cpus)[0])
    if gpus:
        return tf.distribute.MirroredStrategy(gpus)
    # The collectives of CPUs, the default, get mixed up by a second strategy in the process.
    reduction = tf.distribute.ReductionToOneDevice()
    cpus = cpus[:logical_cpus] if logical_cpus > 1 else cpus
    return tf.distribute.MirroredStrategy(cpus, cross_device_ops=reduction)


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
