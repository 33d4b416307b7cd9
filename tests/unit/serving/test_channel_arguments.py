import pytest

from services.serving.flag_parser import FlagError
from services.serving.server_options import parse_channel_arguments


def test_whole_numbers_are_handed_over_as_such_and_the_last_counts() -> None:
    assert dict(parse_channel_arguments("grpc.a=1,grpc.b=x=y,grpc.c=-2,grpc.a=3")) == {
        "grpc.a": 3,
        "grpc.b": "x=y",
        "grpc.c": -2,
    }
    assert parse_channel_arguments("") == ()


@pytest.mark.parametrize("text", ["grpc.a", "=1", "grpc.a="])
def test_an_entry_that_is_no_pair_is_told(text: str) -> None:
    with pytest.raises(FlagError, match=f"an entry that isn't key=value: {text}"):
        parse_channel_arguments(text)
