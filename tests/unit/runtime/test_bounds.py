"""The small parts that bound what clients do: a rate, and the log of refusals."""

import logging

import pytest
from prometheus_client import CollectorRegistry

from services.runtime.connections import REPORT_PERIOD_S, Rejections
from services.runtime.limits import BURST_S, TokenBucket
from services.runtime.websocket_protocol import frame_bytes


def test_a_bucket_allows_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(2, now=0)
    burst = int(2 * BURST_S)
    assert [bucket.take(0) for _ in range(burst + 1)] == [True] * burst + [False]
    assert [bucket.take(0.5), bucket.take(0.5), bucket.take(1)] == [True, False, True]
    assert sum(bucket.take(10_000) for _ in range(100)) == burst, "time without use saves up no more than a burst"


@pytest.mark.parametrize(
    ("received", "size"),
    [
        (b"", 0),
        (b"\x82", 0),
        (b"\x82\x80", 6),
        (b"\x82\x85", 11),
        (b"\x82\x05", 7),  # without a mask, which the parser refuses
        (b"\x82\xfe\x01", 0),
        (b"\x82\xfe\x01\x00", 0),
        (b"\x82\xfe\x01\x00\x00\x00\x00\x00", 264),
        (b"\x82\xff" + bytes(7), 0),
        (b"\x82\xff" + bytes(5) + b"\x01\x00\x00" + bytes(4), 65_550),
    ],
)
def test_the_size_of_a_frame_stands_in_its_head(received: bytes, size: int) -> None:
    assert frame_bytes(bytearray(received)) == size


def test_refusals_are_counted_one_by_one_and_logged_together(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    rejections = Rejections(registry)
    with caplog.at_level(logging.WARNING):
        rejections.report(0)
        for second in range(50):
            rejections.count("malformed")
            rejections.report(second)
        rejections.count("host")
        rejections.report(REPORT_PERIOD_S)
        rejections.report(3 * REPORT_PERIOD_S)
    assert registry.get_sample_value("http_rejected_total", {"reason": "malformed"}) == 50
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "malformed 1",
        "host 1, malformed 49",
    ]
