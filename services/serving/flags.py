"""The command line: TensorFlow Serving's flags, and one of our own. Nothing else configures the server."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

GRPC_PORT = 8500


class FlagError(ValueError):
    """The command line can't be used; the message is one sentence."""


@dataclass(frozen=True)
class Flags:
    """What the command line says.

    Attributes:
        port: Where gRPC listens.
        rest_api_port: Where REST, health and metrics listen; 0 is nowhere.
        bind_address: The address of both ports.
        model_name: The name that requests use.
        model_base_path: The folder that holds one folder for each version, named by its number.
        tensorflow_intra_op_parallelism: Threads within one operation; 0 lets TensorFlow choose.
        tensorflow_inter_op_parallelism: Operations at the same time; 0 lets TensorFlow choose.
    """

    port: int
    rest_api_port: int
    bind_address: str
    model_name: str
    model_base_path: Path
    tensorflow_intra_op_parallelism: int
    tensorflow_inter_op_parallelism: int


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise FlagError(f"Wrong command line: {message}.")


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Read ``--flag=value`` and ``--flag value``; of a flag given twice the last one counts.

    Raises:
        FlagError: A flag is unknown, a value can't be used, or the base path is missing.
    """
    known, unknown = _parser().parse_known_args(arguments)
    if unknown:
        raise FlagError(f"Unknown flag {unknown[0]}; --help lists those that exist.")
    if not known.model_base_path:
        raise FlagError("--model_base_path is missing: it names the folder that holds the version folders.")
    if not known.model_name:
        raise FlagError("--model_name is empty; without the flag the name is default.")
    if known.port == known.rest_api_port:
        raise FlagError(f"--port and --rest_api_port are both {known.port}; they must differ.")
    return Flags(**{**vars(known), "model_base_path": Path(known.model_base_path)})


def _parser() -> _Parser:
    parser = _Parser(prog="python -m services.serving", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--port", type=_port(1), default=GRPC_PORT, help=f"port of gRPC (default {GRPC_PORT})")
    add("--rest_api_port", type=_port(0), default=0, help="port of REST, health and metrics (default 0: off)")
    add(
        "--bind_address",
        default="127.0.0.1",
        help="address of both ports (default 127.0.0.1; TensorFlow Serving has no such flag and listens on 0.0.0.0)",
    )
    add("--model_name", default="default", help="name that requests use (default: default)")
    add("--model_base_path", default="", help="folder that holds the version folders (required)")
    for kind, what in (("intra", "threads within one operation"), ("inter", "operations at the same time")):
        add(f"--tensorflow_{kind}_op_parallelism", type=_count, default=0, help=f"{what} (default 0: automatic)")
    return parser


def _port(least: int) -> Callable[[str], int]:
    def port(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= 65535):
            raise argparse.ArgumentTypeError(f"a port is a whole number from {least} to 65535, not {text!r}")
        return int(text)

    return port


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a number of threads is a whole number from 0, not {text!r}")
    return int(text)
