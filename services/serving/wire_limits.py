"""Bounds what a protocol message becomes before it is parsed.

Two bytes on the wire can become a message of hundreds of bytes in memory, and one byte a number of eight. This reads
the wire format as far as it must to count both.
"""

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.serving.errors import InvalidArgumentError

MAX_FIELDS = 10_000
"""Fields of a message, those of the messages in it included. A Predict request with one tensor has about fifteen."""

MAX_NUMBERS = 4_000_000
"""Numbers in packed fields. ``tensor_content`` is bytes and counts as one field."""

MAX_DEPTH = 32
UNCHECKED_BYTES = 64 * 1024
"""A shorter message can't become large, whatever it holds."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_LENGTHS = {_FIXED64: 8, _FIXED32: 4}
_FIXED_SIZES = {
    FieldDescriptor.CPPTYPE_FLOAT: 4,
    FieldDescriptor.CPPTYPE_DOUBLE: 8,
}
_MAX_VARINT_BYTES = 10


def check_wire_size(descriptor: Descriptor, payload: bytes) -> None:
    """Raise InvalidArgumentError where a message has too many fields or numbers, or can't be read.

    Args:
        descriptor: The message's type.
        payload: The message as it came.
    """
    if len(payload) > UNCHECKED_BYTES:
        _Counter(payload).count(descriptor, 0, len(payload), 0)


class _Counter:
    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._fields = 0
        self._numbers = 0

    def count(self, descriptor: Descriptor | None, at: int, end: int, depth: int) -> None:
        """Count the fields between two places of the payload; ``descriptor`` is their message's type."""
        if depth > MAX_DEPTH:
            raise InvalidArgumentError("The request message is nested too deeply")
        while at < end:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise InvalidArgumentError(f"The request message has more than {MAX_FIELDS:,} fields")
            tag, at = self._varint(at, end)
            kind = tag & 7
            if kind == _VARINT:
                _, at = self._varint(at, end)
            elif kind in _FIXED_LENGTHS:
                at += _FIXED_LENGTHS[kind]
            elif kind == _BYTES:
                length, at = self._varint(at, end)
                if length > end - at:
                    raise _malformed()
                self._count_bytes(_field(descriptor, tag >> 3), at, at + length, depth)
                at += length
            else:  # groups are in none of the messages
                raise _malformed()
        if at != end:
            raise _malformed()

    def _count_bytes(self, field: FieldDescriptor | None, at: int, end: int, depth: int) -> None:
        if field is None or field.type in (FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_STRING):
            return
        if field.message_type is not None:
            self.count(field.message_type, at, end, depth + 1)
            return
        size = _FIXED_SIZES.get(field.cpp_type)
        piece = np.frombuffer(self._payload, np.uint8, end - at, at)
        self._numbers += len(piece) // size if size else int(np.count_nonzero(piece < 0x80))
        if self._numbers > MAX_NUMBERS:
            raise InvalidArgumentError(f"The request message has more than {MAX_NUMBERS:,} numbers")

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """Return a number and the place after it."""
        value = 0
        for place in range(min(_MAX_VARINT_BYTES, end - at)):
            byte = self._payload[at + place]
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value, at + place + 1
        raise _malformed()


def _field(descriptor: Descriptor | None, number: int) -> FieldDescriptor | None:
    return None if descriptor is None else descriptor.fields_by_number.get(number)


def _malformed() -> InvalidArgumentError:
    return InvalidArgumentError("The request message can't be read")
