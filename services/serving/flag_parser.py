"""How each flag is written: its type, its default and its help."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

GRPC_PORT = 8500
_LARGEST_INT32 = (1 << 31) - 1
_LARGEST_INT64 = (1 << 63) - 1


class FlagError(ValueError):
    """The command line, or a file that it names, can't be used; the message is one sentence."""


class FlagParser(argparse.ArgumentParser):
    """Raises instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        """Raise FlagError."""
        raise FlagError(f"Wrong command line: {message}.")


def create_parser(description: str | None) -> FlagParser:
    """Return the parser of all flags."""
    parser = FlagParser(prog="python -m services.serving", description=description, allow_abbrev=False)
    _add_ports(parser)
    _add_models(parser)
    _add_batching(parser)
    _add_switches(parser)
    _add_threads(parser)
    parser.add_argument("--version", action="store_true", default=argparse.SUPPRESS, help="tell the version and leave")
    return parser


def _add_ports(parser: FlagParser) -> None:
    add = parser.add_argument
    add(
        "--port", type=_whole("a port", 0, 65535), default=GRPC_PORT, help=f"port of gRPC (default {GRPC_PORT}; 0: off)"
    )
    add("--grpc_socket_path", default="", help="path of a Unix socket for gRPC, besides the port")
    add("--rest_api_port", type=_whole("a port", 0, 65535), default=0, help="port of REST (default 0: off)")
    add(
        "--rest_api_num_threads",
        type=_whole("a number of threads", 1),
        default=4 * (os.cpu_count() or 1),
        help="REST requests that are worked on at the same time (default: four for each CPU)",
    )
    add(
        "--rest_api_timeout_in_ms",
        type=_whole("a time in milliseconds", 1),
        default=30000,
        help="time that a REST request may take (default 30000)",
    )
    add(
        "--rest_api_allowed_hosts",
        default="",
        help="names, separated by commas, that REST requests may give in Host besides localhost and IP addresses; "
        "TensorFlow Serving has no such flag and takes every name",
    )
    add(
        "--bind_address",
        default="127.0.0.1",
        help="address of both ports (default 127.0.0.1; TensorFlow Serving has no such flag and listens on 0.0.0.0)",
    )
    add(
        "--grpc_max_threads",
        type=_whole("a number of threads", 1),
        default=None,
        help="gRPC calls at the same time; more fail with RESOURCE_EXHAUSTED (default: no limit; TensorFlow Serving: "
        "four for each CPU)",
    )
    add("--grpc_channel_arguments", default="", help="gRPC's own options: key=value,key=value")


def _add_models(parser: FlagParser) -> None:
    add = parser.add_argument
    add("--model_name", default="default", help="name that requests use (default: default)")
    add("--model_base_path", type=_path, default=None, help="folder that holds the version folders")
    add("--model_config_file", type=_path, default=None, help="file that lists models; used instead of the two above")
    for name, default, what in (
        ("model_config_file_poll_wait_seconds", 0, "seconds until the list of models is read again (default 0: never)"),
        ("file_system_poll_wait_seconds", 1, "seconds until versions are looked for again (default 1; 0: never)"),
        ("max_num_load_retries", 5, "how often a version that can't be loaded is tried again (default 5)"),
    ):
        add(f"--{name}", type=_whole("a number here", 0), default=default, help=what)
    add(
        "--load_retry_interval_micros",
        type=_whole("a time in microseconds", 0, _LARGEST_INT64),
        default=60_000_000,
        help="microseconds between such tries (default 60000000)",
    )


def _add_batching(parser: FlagParser) -> None:
    _add_switch(parser, "enable_batching", False, "compute requests together")
    parser.add_argument("--batching_parameters_file", type=_path, default=None, help="file that says how")
    parser.add_argument("--monitoring_config_file", type=_path, default=None, help="file that says where metrics are")


def _add_switches(parser: FlagParser) -> None:
    _add_switch(
        parser,
        "allow_version_labels_for_unavailable_models",
        False,
        "let a new label name a version that isn't in service yet",
    )
    _add_switch(parser, "enable_model_warmup", True, "replay a version's warm-up requests before it is in service")
    _add_switch(parser, "enable_grpc_healthcheck_service", False, "serve grpc.health.v1")
    _add_switch(
        parser,
        "allow_reload_config_request",
        False,
        "answer HandleReloadConfigRequest, for base paths inside the folders that are configured at the start; "
        "TensorFlow Serving has no such flag and always answers",
    )
    _add_switch(parser, "enable_profiler", True, "has no effect: there is no profiler here")
    _add_switch(parser, "enable_serialization_as_tensor_content", False, "answer with tensor_content")


def _add_threads(parser: FlagParser) -> None:
    for kind, what in (
        ("session", "both of the following, where they aren't set"),
        ("intra_op", "threads within one operation"),
        ("inter_op", "operations at the same time"),
    ):
        name = f"--tensorflow_{kind}_parallelism"
        parser.add_argument(
            name, type=_whole("a number of threads", 0), default=0, help=f"{what} (default 0: automatic)"
        )


def _add_switch(parser: FlagParser, name: str, default: bool, what: str) -> None:
    told = f"{what} (default {str(default).lower()})"
    parser.add_argument(f"--{name}", type=_truth, nargs="?", const=True, default=default, help=told)


def _whole(what: str, least: int, most: int = _LARGEST_INT32) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{what} is a whole number from {least} to {most}, not {text!r}")
        return int(text)

    return whole


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"a switch is true or false, not {text!r}")
    return text.lower() in ("true", "1")


def _path(text: str) -> Path | None:
    return Path(text) if text else None
