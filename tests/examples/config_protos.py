"""Messages of TensorFlow Serving's that its Python package lacks, with the fields they have there.

Written down from tensorflow_serving/servables/tensorflow/session_bundle_config.proto and
tensorflow_serving/config/monitoring_config.proto.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_FIELD = descriptor_pb2.FieldDescriptorProto
_INT64, _STRING = (
    f".{wrapper.DESCRIPTOR.full_name}"
    for wrapper in (wrappers_pb2.Int64Value, wrappers_pb2.StringValue)
)
# By message: name, number, type, and whether it is repeated. A type in words is a message's.
_MESSAGES = {
    "BatchingParameters": [
        ("max_batch_size", 1, _INT64, False),
        ("batch_timeout_micros", 2, _INT64, False),
        ("max_enqueued_batches", 3, _INT64, False),
        ("num_batch_threads", 4, _INT64, False),
        ("thread_pool_name", 5, _STRING, False),
        ("allowed_batch_sizes", 6, _FIELD.TYPE_INT64, True),
        ("pad_variable_length_inputs", 7, _FIELD.TYPE_BOOL, False),
    ],
    "PrometheusConfig": [
        ("enable", 1, _FIELD.TYPE_BOOL, False),
        ("path", 2, _FIELD.TYPE_STRING, False),
    ],
    "MonitoringConfig": [
        ("prometheus_config", 1, ".tfflows.tests.PrometheusConfig", False),
    ],
}


def message(name):
    """Returns an empty message of a name."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="config.proto",
        package="tfflows.tests",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for key, fields in _MESSAGES.items():
        made = file.message_type.add(name=key)
        for field, number, kind, repeated in fields:
            added = made.field.add(name=field, number=number)
            added.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            if isinstance(kind, str):
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, kind
            else:
                added.type = kind
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindMessageTypeByName(f"tfflows.tests.{name}")
    return message_factory.GetMessageClass(found)()
