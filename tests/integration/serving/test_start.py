"""Command lines that a server refuses, before it loads anything heavy."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from launcher.ports import free_port


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def start(*flags: str) -> tuple[int, str]:
    """Return the exit status and what was said on standard error."""
    ended = subprocess.run(
        [sys.executable, "-m", "services.serving", *flags], stderr=subprocess.PIPE, text=True, timeout=30, check=False
    )
    return ended.returncode, ended.stderr


def test_a_wrong_flag_ends_with_status_2_and_one_sentence() -> None:
    assert start("--model_base_path=/nowhere", "--prot=1") == (
        2,
        "Unknown flag --prot=1; --help lists those that exist.\n",
    )


def test_a_taken_grpc_port_ends_with_status_1_and_one_sentence(taken_port: int) -> None:
    status, said = start(f"--port={taken_port}", "--model_base_path=/nowhere")
    assert (status, said) == (1, f"Cannot listen on 127.0.0.1:{taken_port}: Address already in use.\n")


def test_a_taken_rest_port_ends_with_status_1_and_one_sentence(taken_port: int) -> None:
    status, said = start(f"--port={free_port()}", f"--rest_api_port={taken_port}", "--model_base_path=/nowhere")
    assert (status, said) == (1, f"Cannot listen on 127.0.0.1:{taken_port}: Address already in use.\n")


def test_an_address_of_another_machine_ends_with_status_1() -> None:
    status, said = start(f"--port={free_port()}", "--bind_address=192.0.2.1", "--model_base_path=/nowhere")
    assert status == 1
    assert said.startswith("Cannot listen on 192.0.2.1:")
    assert said.count("\n") == 1
