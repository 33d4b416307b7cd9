import json
import logging
import re
from collections.abc import Iterator

import pytest

from services.runtime.logs import LineLimit, configure_logging
from tests.support.clock import FakeClock

_log = logging.getLogger("services.tiny")


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Lend the process's logging to a test and put it back."""
    root = logging.getLogger()
    loggers = [root, *(logging.getLogger(name) for name in ("httpx", "httpcore", "uvicorn.error"))]
    handlers, levels = list(root.handlers), [logger.level for logger in loggers]
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def test_text_is_one_line_that_names_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("tiny", "INFO", "text")
    _log.info("hello %s", "you")
    written = capsys.readouterr()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO +tiny hello you\n", written.err)
    assert written.out == ""


def test_json_has_a_fixed_set_of_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("tiny", "INFO", "json")
    _log.warning("hello %s", "you", extra={"request_id": "5f3a"})
    line = json.loads(capsys.readouterr().err)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "WARNING",
        "logger": "services.tiny",
        "message": "hello you",
        "service": "tiny",
        "request_id": "5f3a",
    }


def test_an_exception_stays_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("tiny", "INFO", "json")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        _log.exception("failed", extra={"request_id": "5f3a"})
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert logged["message"] == "failed"
    assert logged["request_id"] == "5f3a"
    assert "ValueError: two\nlines" in logged["exc_info"]


@pytest.mark.parametrize(("level", "seen"), [("DEBUG", "diwe"), ("INFO", "iwe"), ("WARNING", "we"), ("ERROR", "e")])
def test_levels(capsys: pytest.CaptureFixture[str], level: str, seen: str) -> None:
    configure_logging("tiny", level, "json")
    _log.debug("d")
    _log.info("i")
    _log.warning("w")
    _log.error("e")
    assert "".join(json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()) == seen


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "uvicorn.error"])
def test_libraries_speak_up_from_warning_on(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure_logging("tiny", "DEBUG", "text")
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")
    written = capsys.readouterr().err
    assert "chatter" not in written
    assert "trouble" in written


def test_configuring_again_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("tiny", "INFO", "text")
    configure_logging("tiny", "INFO", "text")
    _log.info("hello")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_control_characters_are_escaped_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("tiny", "INFO", "text")
    _log.info("camera said %s", "\x1b]52;c;aGk=\x07\r\n\x9b31m\u202e done é")
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert not set("\x1b\x07\r\x9b\u202e") & set(written)
    assert written.endswith(" done é\n")


def test_a_traceback_keeps_its_lines_and_loses_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("tiny", "INFO", "text")
    try:
        raise ValueError("\x1b[2J" + 1_000_000 * "x")
    except ValueError:
        _log.exception("failed")
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert "\x1b" not in written
    assert len(written) < 30_000


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_long_message_is_cut(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure_logging("tiny", "INFO", log_format)
    _log.warning("%s", 5_000_000 * "x")
    assert len(capsys.readouterr().err) < 3000


def test_a_place_that_logs_again_and_again_is_limited(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("tiny", "DEBUG", "text")
    for number in range(1000):
        _log.warning("frame %s is damaged", number)
    _log.warning("another place")
    lines = capsys.readouterr().err.splitlines()
    assert 1 < len(lines) < 100
    assert "another place" in lines[-1]
    for _ in range(1000):
        _log.debug("details")
    assert len(capsys.readouterr().err.splitlines()) == 1000


def test_what_was_left_out_is_counted_in_the_next_period() -> None:
    clock = FakeClock()
    limit = LineLimit(lines=2, period_s=10, clock=clock)

    def record() -> logging.LogRecord:
        return logging.LogRecord("services.tiny", logging.WARNING, "tiny.py", 7, "camera %s", ("door",), None)

    assert [limit(record()) for _ in range(5)] == [True, True, False, False, False]
    clock.advance(10)
    later = record()
    assert limit(later)
    assert later.getMessage().startswith("camera door")
    assert "3" in later.getMessage()
