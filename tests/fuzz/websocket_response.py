"""Finds faults in the data that a service sends after a WebSocket handshake."""

import json
from collections.abc import Iterator

_OPCODES = (0, 1, 2, 8, 9, 10)
_FAILURE_CODE = 1011
_INTERNAL = "urn:emotion:problem:internal"


def websocket_faults(data: bytes) -> Iterator[str]:
    """Yield the faults in frames of a service; the last frame may be incomplete."""
    at = 0
    while len(data) - at >= 2:
        opcode, length, start = data[at] & 0x0F, data[at + 1] & 0x7F, at + 2
        if data[at] & 0x70 or opcode not in _OPCODES or data[at + 1] & 0x80:
            yield f"no frame of a server: {data[at : at + 10]!r}"
            return
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(data) < start + size:
                return
            length, start = int.from_bytes(data[start : start + size], "big"), start + size
        if len(data) < start + length:
            return
        yield from _frame_faults(opcode, data[start : start + length])
        at = start + length


def _frame_faults(opcode: int, payload: bytes) -> Iterator[str]:
    if opcode == 8 and payload[:2] == _FAILURE_CODE.to_bytes(2, "big"):
        yield f"the WebSocket was closed with {_FAILURE_CODE}"
    if opcode != 1:
        return
    try:
        message = json.loads(payload)
    except ValueError:
        yield f"a message that isn't JSON: {payload[:60]!r}"
        return
    if isinstance(message, dict) and message.get("type") == _INTERNAL:
        yield "a message tells of a failure"
