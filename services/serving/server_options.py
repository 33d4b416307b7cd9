"""What the flags and the files that they name say together, checked before anything heavy is loaded."""

from dataclasses import dataclass

from services.serving.batching_config import BatchingConfig, read_batching_config
from services.serving.errors import ServingError
from services.serving.flag_parser import FlagError
from services.serving.flags import Flags
from services.serving.labels import new_labels
from services.serving.model_config import ModelConfig, read_model_configs
from services.serving.monitoring_config import read_monitoring_path


@dataclass(frozen=True)
class ServerOptions:
    """All that the server needs to know.

    Attributes:
        flags: The command line.
        models: The models to serve at first.
        batching: How requests are computed together; None where each is computed alone.
        monitoring_path: Where metrics are in the original's form; None for nowhere.
        channel_arguments: gRPC's own options.
    """

    flags: Flags
    models: tuple[ModelConfig, ...]
    batching: BatchingConfig | None
    monitoring_path: str | None
    channel_arguments: tuple[tuple[str, int | str], ...]


def read_options(flags: Flags) -> ServerOptions:
    """Read the files that the flags name.

    Raises:
        FlagError: One can't be read or used.
    """
    try:
        models = _read_models(flags)
        new_labels(models, {}, {}, flags.allow_version_labels_for_unavailable_models)
        batching = read_batching_config(flags.batching_parameters_file) if flags.enable_batching else None
        path = read_monitoring_path(flags.monitoring_config_file) if flags.monitoring_config_file else None
    except ServingError as error:
        raise FlagError(f"Failed to start server. Error: {error}") from error
    return ServerOptions(flags, models, batching, path, parse_channel_arguments(flags.grpc_channel_arguments))


def _read_models(flags: Flags) -> tuple[ModelConfig, ...]:
    if flags.model_config_file is not None:
        return read_model_configs(flags.model_config_file)
    assert flags.model_base_path is not None
    return (ModelConfig(flags.model_name, flags.model_base_path),)


def parse_channel_arguments(text: str) -> tuple[tuple[str, int | str], ...]:
    """Read gRPC's own options; a value that is a whole number is handed over as one.

    Raises:
        FlagError: An entry isn't ``key=value``.
    """
    arguments: dict[str, int | str] = {}
    for entry in filter(None, text.split(",")):
        key, equals, value = entry.partition("=")
        if not (key and equals and value):
            raise FlagError(f"--grpc_channel_arguments has an entry that isn't key=value: {entry}.")
        arguments[key] = int(value) if value.removeprefix("-").isdecimal() else value
    return tuple(arguments.items())
