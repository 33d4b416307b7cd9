import grpc
import pytest

from services.serving.errors import MESSAGE_LIMIT, ModelError, NotFoundError, http_status, number_of


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
        (grpc.StatusCode.FAILED_PRECONDITION, 400),
        (grpc.StatusCode.OUT_OF_RANGE, 400),
        (grpc.StatusCode.NOT_FOUND, 404),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
        (grpc.StatusCode.INTERNAL, 500),
        (grpc.StatusCode.UNKNOWN, 500),
        (grpc.StatusCode.DATA_LOSS, 500),
        (grpc.StatusCode.UNIMPLEMENTED, 501),
        (grpc.StatusCode.UNAVAILABLE, 503),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    ],
)
def test_http_status(code: grpc.StatusCode, status: int) -> None:
    assert http_status(code) == status


def test_a_number_of_tensorflow_is_the_grpc_status_of_the_same_number() -> None:
    for code in grpc.StatusCode:
        assert ModelError("", number_of(code)).code is code
    assert ModelError("", 999).code is grpc.StatusCode.UNKNOWN


def test_a_long_message_is_cut() -> None:
    assert str(NotFoundError("x" * MESSAGE_LIMIT)) == "x" * MESSAGE_LIMIT
    cut = str(NotFoundError("x" * (MESSAGE_LIMIT + 1)))
    assert len(cut) == MESSAGE_LIMIT
    assert cut.endswith("x…")
