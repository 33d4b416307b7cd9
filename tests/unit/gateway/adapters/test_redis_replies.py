"""Replies of Redis: read as they are within their limits, and left where they exceed one."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import RedisError, ResponseError

from services.gateway.adapters.redis_replies import (
    MAX_ENTRY_BYTES,
    MAX_SHORT_BYTES,
    MAX_VALUES,
    LimitedParser,
    ReplyTooLargeError,
)


def bulk(value: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(value), value)


def array(*elements: bytes) -> bytes:
    return b"*%d\r\n%s" % (len(elements), b"".join(elements))


def entries(*jpegs: bytes) -> bytes:
    """Return what XREVRANGE answers."""
    return array(*(array(bulk(b"1-0"), array(bulk(b"jpeg"), bulk(jpeg))) for jpeg in jpegs))


def read(*replies: bytes, count: int = 1) -> list[Any]:
    async def reading() -> list[Any]:
        stream = asyncio.StreamReader()
        stream.feed_data(b"".join(replies))
        stream.feed_eof()
        parser = LimitedParser(65536)
        parser.on_connect(SimpleNamespace(_reader=stream, encoder=None))  # type: ignore[no-untyped-call]  # redis-py's
        try:
            return [await parser.read_response() for _ in range(count)]
        finally:
            parser.on_disconnect()
            assert not stream._buffer  # type: ignore[attr-defined]  # what asyncio keeps of a picture

    return asyncio.run(reading())


def test_replies_are_read() -> None:
    assert read(b"+OK\r\n", b":17\r\n", b"$-1\r\n", b"*-1\r\n", bulk(b""), count=5) == [b"OK", 17, None, None, b""]
    assert read(array(bulk(b"a"), b":1\r\n", array())) == [[b"a", 1, []]]
    assert read(entries(b"x" * 1_000_000)) == [[[b"1-0", [b"jpeg", b"x" * 1_000_000]]]]
    (error,) = read(b"-WRONGTYPE of another type\r\n")
    assert isinstance(error, ResponseError)


def test_the_limits_apply_to_each_reply() -> None:
    large = entries(b"x" * (MAX_ENTRY_BYTES - 1000))
    assert len(read(large, large, count=2)) == 2


@pytest.mark.parametrize(
    ("reply", "in_entry"),
    [
        (b"$%d\r\n" % (MAX_SHORT_BYTES + 1), False),
        (b"*1\r\n$%d\r\n" % (MAX_SHORT_BYTES + 1), False),
        (array(*(bulk(b"x" * 1000) for _ in range(MAX_SHORT_BYTES // 1000 + 1))), False),
        (b"*%d\r\n" % (MAX_VALUES + 1), False),
        (b"*2\r\n" * 30, True),
        (array(*(array(*(b":1\r\n" for _ in range(100))) for _ in range(100))), False),
        (b"*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$4\r\njpeg\r\n$%d\r\n" % (MAX_ENTRY_BYTES + 1), True),
        (b"*1\r\n*2\r\n$3\r\n1-0\r\n*1000000\r\n", True),
        (entries(*[b"x" * 5_000_000] * 4), True),
    ],
)
def test_a_reply_is_abandoned_as_soon_as_it_exceeds_a_limit(reply: bytes, in_entry: bool) -> None:
    with pytest.raises(ReplyTooLargeError) as caught:
        read(reply)
    assert caught.value.in_entry is in_entry


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"*3\r\n", b"$4\r\n", b"abcd\r\n", b":1\r\n", b"*-1\r\n"])).map(b"".join)
)
def test_any_bytes_are_a_reply_or_a_redis_error(data: bytes) -> None:
    with suppress(RedisError):
        read(data)
