"""The command line: TensorFlow Serving's flags, and a few of our own. Nothing else configures the server."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.runtime.settings import MAX_SOCKET_PATH_BYTES
from services.serving.flag_parser import FlagError, create_parser


@dataclass(frozen=True)
class Flags:
    """What the command line says; the names are those of the flags.

    Attributes:
        port: Where gRPC listens; 0 is on no port.
        grpc_socket_path: The Unix socket on which gRPC listens besides; empty for none.
        rest_api_port: Where REST, health and metrics listen; 0 is nowhere.
        rest_api_num_threads: REST requests that are worked on at the same time.
        rest_api_timeout_in_ms: After this long a REST request is answered 504.
        bind_address: The address of both ports.
        grpc_max_threads: gRPC calls at the same time; more fail with RESOURCE_EXHAUSTED.
        grpc_channel_arguments: gRPC's own options, as ``key=value,key=value``.
        model_name: The name that requests use, where no file lists the models.
        model_base_path: The folder that holds one folder for each version; None where a file lists the models.
        model_config_file: The file that lists the models.
        model_config_file_poll_wait_seconds: How often that file is read again; 0 is never.
        file_system_poll_wait_seconds: How often new versions are looked for; 0 is only once.
        max_num_load_retries: How often a version that can't be loaded is tried again.
        load_retry_interval_micros: How long after a failure that happens.
        allow_version_labels_for_unavailable_models: Whether a new label may name a version that isn't in service yet.
        monitoring_config_file: The file that says where metrics are in the original's form.
        enable_batching: Whether requests are computed together.
        batching_parameters_file: The file that says how.
        enable_model_warmup: Whether a version's warm-up requests are replayed before it is in service.
        enable_grpc_healthcheck_service: Whether ``grpc.health.v1`` is served.
        rest_api_allowed_hosts: Names that REST requests may give in ``Host``, separated by commas, besides localhost
            and IP addresses; not a flag of the original's.
        allow_reload_config_request: Whether ``HandleReloadConfigRequest`` is answered; not a flag of the original's.
        enable_profiler: Taken for the sake of command lines that set it; there is no profiler here.
        enable_serialization_as_tensor_content: Whether answers use ``tensor_content``.
        tensorflow_session_parallelism: Both of the following, where they aren't set.
        tensorflow_intra_op_parallelism: Threads within one operation; 0 lets TensorFlow choose.
        tensorflow_inter_op_parallelism: Operations at the same time; 0 lets TensorFlow choose.
    """

    port: int
    grpc_socket_path: str
    rest_api_port: int
    rest_api_num_threads: int
    rest_api_timeout_in_ms: int
    bind_address: str
    grpc_max_threads: int | None
    grpc_channel_arguments: str
    model_name: str
    model_base_path: Path | None
    model_config_file: Path | None
    model_config_file_poll_wait_seconds: int
    file_system_poll_wait_seconds: int
    max_num_load_retries: int
    load_retry_interval_micros: int
    allow_version_labels_for_unavailable_models: bool
    monitoring_config_file: Path | None
    enable_batching: bool
    batching_parameters_file: Path | None
    enable_model_warmup: bool
    enable_grpc_healthcheck_service: bool
    rest_api_allowed_hosts: str
    allow_reload_config_request: bool
    enable_profiler: bool
    enable_serialization_as_tensor_content: bool
    tensorflow_session_parallelism: int
    tensorflow_intra_op_parallelism: int
    tensorflow_inter_op_parallelism: int


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Read ``--flag=value`` and ``--flag value``; of a flag given twice the last one counts.

    Raises:
        FlagError: A flag is unknown, a value can't be used, flags contradict each other, or no model is named.
    """
    known, unknown = create_parser(__doc__).parse_known_args(arguments)
    if unknown:
        raise FlagError(f"Unknown flag {unknown[0]}; --help lists those that exist.")
    flags = Flags(**vars(known))
    if flags.model_config_file is None and flags.model_base_path is None:
        raise FlagError(
            "--model_base_path is missing: it names the folder that holds the version folders. "
            "Or name a file that lists the models: --model_config_file."
        )
    if not flags.model_name:
        raise FlagError("--model_name is empty; without the flag the name is default.")
    if not flags.port and not flags.grpc_socket_path:
        raise FlagError("--port is 0 and --grpc_socket_path is missing: gRPC must listen on one of them.")
    if len(os.fsencode(flags.grpc_socket_path)) > MAX_SOCKET_PATH_BYTES:
        raise FlagError(f"--grpc_socket_path is longer than {MAX_SOCKET_PATH_BYTES} bytes.")
    if flags.port and flags.port == flags.rest_api_port:
        raise FlagError(f"--port and --rest_api_port are both {flags.port}; they must differ.")
    if flags.batching_parameters_file is not None and not flags.enable_batching:
        raise FlagError("--batching_parameters_file is set without --enable_batching.")
    return flags


def asks_for_version(arguments: Sequence[str]) -> bool:
    """Tell whether the command line asks only which version this is."""
    return any(argument in ("--version", "--version=true") for argument in arguments)
