"""Protocol messages are counted before they are parsed."""

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from services.serving.errors import InvalidArgumentError
from services.serving.wire_limits import MAX_FIELDS, MAX_NUMBERS, UNCHECKED_BYTES, check_wire_size

# Any message will do: this one has text, numbers, enumerations and messages in messages.
MESSAGE = FileDescriptorProto.DESCRIPTOR
TEXT, MESSAGES, NESTED_MESSAGES, NUMBERS = 3, 4, 3, 10
PADDING = b"\x0a\x80\x80\x04" + b"x" * UNCHECKED_BYTES
"""A first field that makes a message long enough to be looked at."""


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


@pytest.mark.parametrize(
    "payload",
    [
        PADDING,
        PADDING + field(TEXT, b"dependency") + field(MESSAGES, field(1, b"Message")),
        PADDING + b"\x08\x96\x01" + b"\x0d1234" + b"\x0912345678" + field(500, b"unknown"),
        PADDING + field(NUMBERS, b"\x01" * MAX_NUMBERS),
        PADDING + field(MESSAGES, b"") * (MAX_FIELDS - 1),
    ],
)
def test_ordinary_messages_pass(payload: bytes) -> None:
    check_wire_size(MESSAGE, payload)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (PADDING + field(TEXT, b"") * MAX_FIELDS, "more than 10,000 fields"),
        (PADDING + field(MESSAGES, field(2, b"") * MAX_FIELDS), "more than 10,000 fields"),
        (PADDING + field(NUMBERS, b"\x01" * (MAX_NUMBERS + 1)), "more than 4,000,000 numbers"),
        (PADDING + b"\x0b", "can't be read"),
        (PADDING + b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "can't be read"),
        (PADDING + b"\x0a\x05abc", "can't be read"),
        (PADDING + b"\xff" * 20, "can't be read"),
        (PADDING + b"\x0d1", "can't be read"),
        (PADDING + b"\x08", "can't be read"),
    ],
)
def test_what_would_grow_or_cannot_be_read_is_refused(payload: bytes, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        check_wire_size(MESSAGE, payload)


def test_depth_is_bounded() -> None:
    nested = b""
    for _ in range(100):
        nested = field(NESTED_MESSAGES, nested)
    with pytest.raises(InvalidArgumentError, match="nested too deeply"):
        check_wire_size(MESSAGE, PADDING + field(MESSAGES, nested))


def test_a_short_message_is_left_to_the_parser() -> None:
    check_wire_size(MESSAGE, b"\xff" * UNCHECKED_BYTES)
