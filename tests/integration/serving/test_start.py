"""Invalid command lines are rejected before TensorFlow is loaded."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.ports import free_port
from services.serving.batching_config import BatchingConfig, read_batching_config
from services.serving.flag_parser import FlagError
from services.serving.flags import parse_flags
from services.serving.model_config import ModelConfig
from services.serving.server_options import read_options
from tests.support.model_server import entry, label, model_list

SCRIPT = Path("services/serving/tensorflow_model_server").absolute()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def start(*flags: str) -> tuple[int, str]:
    """Return the exit status and the standard error output."""
    ended = subprocess.run(
        [sys.executable, "-m", "services.serving", *flags], stderr=subprocess.PIPE, text=True, timeout=30, check=False
    )
    return ended.returncode, ended.stderr


def test_unknown_flag_exits_with_2() -> None:
    assert start("--model_base_path=/nowhere", "--prot=1") == (
        2,
        "Unknown flag --prot=1; --help lists those that exist.\n",
    )


def test_grpc_port_in_use_exits_with_1(taken_port: int) -> None:
    status, error = start(f"--port={taken_port}", "--model_base_path=/nowhere")
    assert (status, error) == (1, f"Cannot listen on 127.0.0.1:{taken_port}: Address already in use.\n")


def test_rest_port_in_use_exits_with_1(taken_port: int) -> None:
    status, error = start(f"--port={free_port()}", f"--rest_api_port={taken_port}", "--model_base_path=/nowhere")
    assert (status, error) == (1, f"Cannot listen on 127.0.0.1:{taken_port}: Address already in use.\n")


@pytest.mark.parametrize(("listens", "kind"), [(True, "Address already in use"), (False, "it is no socket")])
def test_socket_in_use_exits_with_1(tmp_path: Path, listens: bool, kind: str) -> None:
    path = tmp_path / "serving.sock"
    with socket.socket(socket.AF_UNIX) as other:
        if listens:
            other.bind(str(path))
            other.listen()
        else:
            path.write_text("not a socket")
        result = start("--port=0", f"--grpc_socket_path={path}", "--model_base_path=/nowhere")
    assert result == (1, f"Cannot listen on {path}: {kind}.\n")
    assert path.exists()


def test_socket_in_a_missing_folder_exits_with_1(tmp_path: Path) -> None:
    result = start("--port=0", f"--grpc_socket_path={tmp_path}/none/s", "--model_base_path=/nowhere")
    assert result == (1, f"Cannot listen on {tmp_path}/none/s: No such file or directory.\n")


def test_address_of_another_machine_exits_with_1() -> None:
    status, error = start(f"--port={free_port()}", "--bind_address=192.0.2.1", "--model_base_path=/nowhere")
    assert status == 1
    assert error.startswith("Cannot listen on 192.0.2.1:")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("flag", "text", "message"),
    [
        ("--model_config_file", "model_config_list {", "Invalid protobuf file: "),
        ("--model_config_file", 'model_config_list { config { name: "m" } }', "Illegal setting neither model_type"),
        (
            "--model_config_file",
            model_list(entry("m", Path("/m"), label("stable", 1))),
            "Request to assign label to version 1 of model m, which is not currently available for inference",
        ),
        ("--monitoring_config_file", "prometheus { }", "Invalid protobuf file: "),
        ("--batching_parameters_file", "max_batch_size { value: 0 }", "max_batch_size must be at least 1; was 0"),
        (
            "--batching_parameters_file",
            "max_batch_size { value: 8 } allowed_batch_sizes: 1 allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 8",
        ),
        ("--batching_parameters_file", "allowed_batch_sizes: 4 allowed_batch_sizes: 2", "in increasing order"),
    ],
)
def test_unusable_file_is_reported_before_anything_starts(tmp_path: Path, flag: str, text: str, message: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(FlagError) as caught:
        read_options(parse_flags(["--model_base_path=/nowhere", "--enable_batching", f"{flag}={file}"]))
    assert message in str(caught.value)
    assert str(caught.value).startswith("Failed to start server. Error: ")


def test_missing_file_exits_with_2() -> None:
    assert start("--model_config_file=/nowhere") == (
        2,
        "Failed to start server. Error: /nowhere can't be read: No such file or directory\n",
    )


def test_configuration_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "batching").write_text(
        "max_batch_size { value: 32 } batch_timeout_micros { value: 2000 } num_batch_threads { value: 2 } "
        "max_enqueued_batches { value: 8 } allowed_batch_sizes: 4 allowed_batch_sizes: 32 "
        'thread_pool_name { value: "pool" }'
    )
    (tmp_path / "monitoring").write_text("prometheus_config { enable: true }")
    options = read_options(
        parse_flags(
            [
                "--model_base_path=/m",
                "--enable_batching",
                f"--batching_parameters_file={tmp_path / 'batching'}",
                f"--monitoring_config_file={tmp_path / 'monitoring'}",
            ]
        )
    )
    assert options.batching == BatchingConfig(32, 32, 0.002, 2, 8, (4, 32), "pool")
    assert options.monitoring_path == "/monitoring/prometheus/metrics"
    assert options.models == (ModelConfig("default", Path("/m")),)
    assert read_options(parse_flags(["--model_base_path=/m", "--enable_batching"])).batching == BatchingConfig()
    assert read_options(parse_flags(["--model_base_path=/m"])).batching is None


def test_large_batches_may_be_split(tmp_path: Path) -> None:
    file = tmp_path / "batching"
    file.write_text(
        "max_batch_size { value: 64 } enable_large_batch_splitting { value: true } "
        "max_execution_batch_size { value: 16 }"
    )
    config = read_batching_config(file)
    assert (config.largest_task, config.largest_batch) == (64, 16)


def test_script_accepts_the_command_line_of_tensorflow_serving() -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    result = subprocess.run(
        [SCRIPT, "--version"], stdout=subprocess.PIPE, text=True, timeout=30, check=True, env={"PATH": path}
    )
    assert re.fullmatch(
        r"TensorFlow ModelServer: 2\.20\.0 \(stand-in\)\nTensorFlow Library: 2\.20\.\d+\n", result.stdout
    )
    refused = subprocess.run(
        [SCRIPT, "--prot=1"], stderr=subprocess.PIPE, text=True, timeout=30, check=False, env={"PATH": path}
    )
    assert (refused.returncode, refused.stderr) == (2, "Unknown flag --prot=1; --help lists those that exist.\n")
