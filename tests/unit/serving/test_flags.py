from pathlib import Path

import pytest

from services.serving.flags import FlagError, Flags, parse_flags

BASE = "--model_base_path=models/emotion"


def test_defaults_are_those_of_tensorflow_serving_but_for_the_address() -> None:
    assert parse_flags([BASE]) == Flags(
        port=8500,
        rest_api_port=0,
        bind_address="127.0.0.1",
        model_name="default",
        model_base_path=Path("models/emotion"),
        tensorflow_intra_op_parallelism=0,
        tensorflow_inter_op_parallelism=0,
    )


@pytest.mark.parametrize("joined", [True, False])
def test_both_ways_of_writing_a_value(joined: bool) -> None:
    written = {
        "--port": "8600",
        "--rest_api_port": "8601",
        "--bind_address": "::1",
        "--model_name": "emotion",
        "--model_base_path": "/models/emotion",
        "--tensorflow_intra_op_parallelism": "2",
        "--tensorflow_inter_op_parallelism": "1",
    }
    arguments = [f"{flag}={value}" for flag, value in written.items()] if joined else sum(written.items(), ())
    assert parse_flags(arguments) == Flags(8600, 8601, "::1", "emotion", Path("/models/emotion"), 2, 1)


def test_the_last_of_a_repeated_flag_counts() -> None:
    assert parse_flags([BASE, "--port=1", "--port=2"]).port == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--model_base_path is missing: it names the folder that holds the version folders."),
        (["--model_base_path="], "--model_base_path is missing: it names the folder that holds the version folders."),
        ([BASE, "--model_name="], "--model_name is empty; without the flag the name is default."),
        ([BASE, "--prot=1"], "Unknown flag --prot=1; --help lists those that exist."),
        ([BASE, "--rest_api=1"], "Unknown flag --rest_api=1; --help lists those that exist."),
        ([BASE, "stray"], "Unknown flag stray; --help lists those that exist."),
        ([BASE, "--rest_api_port=8500"], "--port and --rest_api_port are both 8500; they must differ."),
        ([BASE, "--port"], "Wrong command line: argument --port: expected one argument."),
    ],
)
def test_a_command_line_that_cannot_be_used_is_told_in_one_sentence(arguments: list[str], message: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse_flags(arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--port", "0"),
        ("--port", "65536"),
        ("--port", "grpc"),
        ("--rest_api_port", "-1"),
        ("--tensorflow_intra_op_parallelism", "two"),
        ("--tensorflow_inter_op_parallelism", "-1"),
    ],
)
def test_a_number_out_of_range_names_flag_and_value(flag: str, value: str) -> None:
    with pytest.raises(FlagError, match=rf"argument {flag}: .* not '{value}'\.$"):
        parse_flags([BASE, f"{flag}={value}"])
