import os
from pathlib import Path

import pytest

from services.serving.flag_parser import FlagError
from services.serving.flags import Flags, asks_for_version, parse_flags

BASE = "--model_base_path=models/emotion"
NO_MODEL = (
    "--model_base_path is missing: it names the folder that holds the version folders. "
    "Or name a file that lists the models: --model_config_file."
)


def test_defaults_are_those_of_tensorflow_serving_but_for_the_address_and_the_number_of_calls() -> None:
    assert parse_flags([BASE]) == Flags(
        port=8500,
        grpc_socket_path="",
        rest_api_port=0,
        rest_api_num_threads=4 * (os.cpu_count() or 1),
        rest_api_timeout_in_ms=30_000,
        bind_address="127.0.0.1",
        grpc_max_threads=None,
        grpc_channel_arguments="",
        model_name="default",
        model_base_path=Path("models/emotion"),
        model_config_file=None,
        model_config_file_poll_wait_seconds=0,
        file_system_poll_wait_seconds=1,
        max_num_load_retries=5,
        load_retry_interval_micros=60_000_000,
        allow_version_labels_for_unavailable_models=False,
        monitoring_config_file=None,
        enable_batching=False,
        batching_parameters_file=None,
        enable_model_warmup=True,
        enable_grpc_healthcheck_service=False,
        rest_api_allowed_hosts="",
        allow_reload_config_request=False,
        enable_profiler=True,
        enable_serialization_as_tensor_content=False,
        tensorflow_session_parallelism=0,
        tensorflow_intra_op_parallelism=0,
        tensorflow_inter_op_parallelism=0,
    )


@pytest.mark.parametrize("joined", [True, False])
def test_both_ways_of_writing_a_value(joined: bool) -> None:
    written = {
        "--port": "8600",
        "--rest_api_port": "8601",
        "--bind_address": "::1",
        "--model_config_file": "/models/models.config",
        "--enable_batching": "TRUE",
        "--enable_profiler": "false",
        "--tensorflow_intra_op_parallelism": "2",
    }
    arguments = [f"{flag}={value}" for flag, value in written.items()] if joined else sum(written.items(), ())
    flags = parse_flags(arguments)
    assert (flags.port, flags.rest_api_port, flags.bind_address) == (8600, 8601, "::1")
    assert (flags.model_config_file, flags.model_base_path) == (Path("/models/models.config"), None)
    assert (flags.enable_batching, flags.enable_profiler, flags.tensorflow_intra_op_parallelism) == (True, False, 2)


def test_a_switch_alone_is_on() -> None:
    flags = parse_flags([BASE, "--enable_batching", "--enable_grpc_healthcheck_service", "--port=1"])
    assert (flags.enable_batching, flags.enable_grpc_healthcheck_service, flags.port) == (True, True, 1)


@pytest.mark.parametrize(
    ("arguments", "asks"), [(["--version"], True), (["--port=1", "--version=true"], True), ([BASE], False)]
)
def test_asking_for_the_version(arguments: list[str], asks: bool) -> None:
    assert asks_for_version(arguments) is asks


def test_a_socket_may_take_the_place_of_the_port() -> None:
    flags = parse_flags([BASE, "--port=0", "--grpc_socket_path=run/serving.sock"])
    assert (flags.port, flags.grpc_socket_path, flags.rest_api_port) == (0, "run/serving.sock", 0)


def test_the_last_of_a_repeated_flag_counts() -> None:
    assert parse_flags([BASE, "--port=1", "--port=2"]).port == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], NO_MODEL),
        (["--model_base_path="], NO_MODEL),
        ([BASE, "--batching_parameters_file=f"], "--batching_parameters_file is set without --enable_batching."),
        ([BASE, "--enable_batching=false", "--batching_parameters_file=f"],
         "--batching_parameters_file is set without --enable_batching."),
        ([BASE, "--model_name="], "--model_name is empty; without the flag the name is default."),
        ([BASE, "--prot=1"], "Unknown flag --prot=1; --help lists those that exist."),
        ([BASE, "--rest_api=1"], "Unknown flag --rest_api=1; --help lists those that exist."),
        ([BASE, "stray"], "Unknown flag stray; --help lists those that exist."),
        ([BASE, "--rest_api_port=8500"], "--port and --rest_api_port are both 8500; they must differ."),
        ([BASE, "--port=0"], "--port is 0 and --grpc_socket_path is missing: gRPC must listen on one of them."),
        ([BASE, f"--grpc_socket_path=/{'x' * 103}"], "--grpc_socket_path is longer than 103 bytes."),
        ([BASE, "--port"], "Wrong command line: argument --port: expected one argument."),
    ],
)  # fmt: skip
def test_a_command_line_that_cannot_be_used_is_told_in_one_sentence(arguments: list[str], message: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse_flags(arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--port", "-1"),
        ("--port", "65536"),
        ("--port", "grpc"),
        ("--rest_api_port", "-1"),
        ("--tensorflow_intra_op_parallelism", "two"),
        ("--tensorflow_inter_op_parallelism", "-1"),
        ("--rest_api_timeout_in_ms", "0"),
        ("--rest_api_num_threads", "0"),
        ("--file_system_poll_wait_seconds", "-1"),
        ("--max_num_load_retries", "4294967296"),
        ("--load_retry_interval_micros", "soon"),
        ("--enable_batching", "yes"),
    ],
)
def test_a_number_out_of_range_names_flag_and_value(flag: str, value: str) -> None:
    with pytest.raises(FlagError, match=rf"argument {flag}: .* not '{value}'\.$"):
        parse_flags([BASE, f"{flag}={value}"])
