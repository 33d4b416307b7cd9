"""From Redis's replies to frames and statuses, and what to do about replies that are too large."""

import logging
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from services.contracts.cameras import STATUS_FIELDS, CameraStatus
from services.contracts.frames import MAX_AHEAD_S, FrameMessage, captured_at_us
from services.contracts.messages import MalformedMessageError
from services.gateway.frames import Frame

REFUSED_S = 5.0
"""How long a key whose reply was too large isn't read again: Redis copies the value each time."""

_MAX_REFUSED = 1000
_STATUS_FIELDS = tuple(name.encode("ascii") for name in STATUS_FIELDS)
_log = logging.getLogger(__name__)


class RefusedKeys:
    """Keys whose replies were too large, for some seconds."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}

    def add(self, key: str) -> None:
        """Refuse a key from now on; with very many the first are forgotten."""
        self._until_s.pop(key, None)
        while len(self._until_s) >= _MAX_REFUSED:
            del self._until_s[next(iter(self._until_s))]
        self._until_s[key] = monotonic() + REFUSED_S

    def has(self, key: str) -> bool:
        """Tell whether a key is refused now."""
        until_s = self._until_s.get(key)
        if until_s is None:
            return False
        if monotonic() < until_s:
            return True
        del self._until_s[key]
        return False


async def execute(pipeline: Pipeline) -> list[Any]:
    """Return the answers; None for a key of the wrong type, which is one camera's trouble and not Redis's."""
    answers = await pipeline.execute(raise_on_error=False)
    for error in (answer for answer in answers if isinstance(answer, RedisError)):
        if not str(error).startswith("WRONGTYPE"):
            raise error
        _log.warning("redis: a key is of another type than ours")
    return [None if isinstance(answer, RedisError) else answer for answer in answers]


def microseconds(redis_time: tuple[int, int]) -> int:
    """Return Redis's time as Unix microseconds."""
    seconds, microseconds = redis_time
    return seconds * 1_000_000 + microseconds


def status_of(values: Sequence[bytes | None] | None) -> CameraStatus | None:
    """Return the fields of a status, in the order of ``STATUS_FIELDS``, as a status; None if there is none.

    Raises:
        MalformedMessageError: It can't be read.
    """
    fields = {name: value for name, value in zip(_STATUS_FIELDS, values or (), strict=False) if value is not None}
    return CameraStatus.decode(fields) if fields else None


def frame_of(entry: tuple[bytes, Mapping[bytes, bytes]], now_us: int, read_at_s: float) -> Frame:
    """Return a stream's entry as a frame.

    Raises:
        MalformedMessageError: It can't be read, or is of a time to come.
    """
    entry_id, message = entry[0].decode("ascii", "replace"), FrameMessage.decode(entry[1])
    captured_us = captured_at_us(entry_id, message.delay_us)
    age_ms = (now_us - captured_us) / 1e3
    if age_ms < -MAX_AHEAD_S * 1e3:
        raise MalformedMessageError("frame: its id is of a time to come, by Redis's clock")
    return Frame(entry_id, message, captured_us, age_ms, read_at_s)
