"""Lines that outsiders can cause are few and harmless."""

import logging

import pytest

from services.runtime.limited_log import LimitedLog, shown

logger = logging.getLogger("limited")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_flood_is_one_line_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = LimitedLog(logger, interval_s=10, clock=clock)
    for _ in range(1000):
        log.warning("corrupt", "corrupt: %s", "a")
    assert lines(caplog) == ["corrupt: a"]
    clock.now += 10
    log.warning("corrupt", "corrupt: %s", "b")
    assert lines(caplog)[1:] == ["corrupt: b (999 more like this were not logged)"]
    clock.now += 10
    log.warning("corrupt", "corrupt: %s", "c")
    assert lines(caplog)[2:] == ["corrupt: c"]


def test_kinds_do_not_hide_each_other(caplog: pytest.LogCaptureFixture) -> None:
    log = LimitedLog(logger, clock=Clock())
    log.warning("one", "first")
    log.warning("two", "second")
    assert lines(caplog) == ["first", "second"]


def test_a_traceback_is_limited_likewise(caplog: pytest.LogCaptureFixture) -> None:
    log = LimitedLog(logger, clock=Clock())
    for _ in range(3):
        try:
            raise ValueError
        except ValueError:
            log.exception("bug", "unforeseen")
    (record,) = caplog.records
    assert record.exc_info


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (None, ""),
        ("größer\n\x1b]0;x\x07", "größer\\n\\x1b]0;x\\x07"),
        ("\u202e\u2028\ud800", "\\u202e\\u2028\\ud800"),
        ("x" * 5_000_000, "x" * 300 + "…"),
    ],
)
def test_a_text_from_outside_is_one_short_line(text: str | None, safe: str) -> None:
    assert shown(text) == safe
