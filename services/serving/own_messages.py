"""Protocol messages that TensorFlow Serving knows and that its Python package doesn't carry."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

PACKAGE = "tensorflow.serving"

_Field = descriptor_pb2.FieldDescriptorProto
_INT64 = ".google.protobuf.Int64Value"
_BOOL = ".google.protobuf.BoolValue"

_BATCHING = {
    "max_batch_size": _INT64,
    "batch_timeout_micros": _INT64,
    "max_enqueued_batches": _INT64,
    "num_batch_threads": _INT64,
    "thread_pool_name": ".google.protobuf.StringValue",
    "allowed_batch_sizes": _Field.TYPE_INT64,
    "pad_variable_length_inputs": _Field.TYPE_BOOL,
    "enable_large_batch_splitting": _BOOL,
    "max_execution_batch_size": _INT64,
}


def batching_parameters() -> Any:
    """Return an empty ``BatchingParameters``; it is read from text only, so that its field numbers are free."""
    return _create(PACKAGE, {"BatchingParameters": _BATCHING})["BatchingParameters"]()


def monitoring_config() -> Any:
    """Return an empty ``MonitoringConfig``, likewise."""
    prometheus = {"enable": _Field.TYPE_BOOL, "path": _Field.TYPE_STRING}
    monitoring = {"prometheus_config": f".{PACKAGE}.PrometheusConfig"}
    return _create(PACKAGE, {"PrometheusConfig": prometheus, "MonitoringConfig": monitoring})["MonitoringConfig"]()


def health_messages() -> tuple[Any, Any]:
    """Return the classes of ``grpc.health.v1``: request and response. The status travels as its number."""
    messages = _create(
        "grpc.health.v1",
        {"HealthCheckRequest": {"service": _Field.TYPE_STRING}, "HealthCheckResponse": {"status": _Field.TYPE_INT32}},
    )
    return messages["HealthCheckRequest"], messages["HealthCheckResponse"]


def _create(package: str, messages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a class for each message. A field's type is a number for a plain one, or the name of a message."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            _add_field(message.field.add(name=field, number=number), kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


def _add_field(field: descriptor_pb2.FieldDescriptorProto, kind: Any) -> None:
    field.label = _Field.LABEL_REPEATED if field.name == "allowed_batch_sizes" else _Field.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type = _Field.TYPE_MESSAGE
        field.type_name = kind
    else:
        field.type = kind
