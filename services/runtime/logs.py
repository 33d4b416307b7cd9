"""Logging: one line an event, as text or as JSON, and no more lines than a person can read."""

import logging
import math
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from services.runtime.clock import Clock

MAX_MESSAGE_CHARACTERS = 2000
"""A longer message is cut: what comes from outside can have any length."""
MAX_LINES_A_PERIOD = 10
"""Lines that one place in the code may log in a period."""
PERIOD_S = 10.0
MAX_TRACEBACK_CHARACTERS = 20_000
_MAX_PLACES = 1000
_QUIET = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "python_multipart": logging.ERROR,  # a malformed form is answered; it is no event of ours
}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def configure_logging(service: str, level: str, log_format: str) -> None:
    """Send all logs to standard error.

    Args:
        service: The name that each line carries.
        level: The least level logged.
        log_format: ``text`` or ``json``.
    """
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(_json_formatter(service))
    else:
        handler.setFormatter(TextFormatter(f"%(asctime)s %(levelname)-7s {service} %(message)s"))
    handler.addFilter(cut_message)
    handler.addFilter(LineLimit())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))


@dataclass
class LineQuota:
    """Limits the lines that are logged in a period. Times are monotonic seconds.

    Attributes:
        suppressed: Lines that were not allowed. The caller resets it.
    """

    max_lines: int
    period_s: float
    suppressed: int = 0
    _lines: int = 0
    _period_start_s: float = -math.inf

    def allow(self, now_s: float) -> bool:
        """Return whether a line may be logged now, and count it."""
        if now_s - self._period_start_s >= self.period_s:
            self._period_start_s = now_s
            self._lines = 0
        if self._lines >= self.max_lines:
            self.suppressed += 1
            return False
        self._lines += 1
        return True


class LineLimit:
    """A filter that bounds how many lines each place in the code may log.

    What clients, cameras or Redis send can make a service log a line each time. The first lines of a period are logged;
    the first line after it says how many were left out. Lines of the level DEBUG aren't limited.
    """

    def __init__(
        self,
        lines: int = MAX_LINES_A_PERIOD,
        period_s: float = PERIOD_S,
        clock: Clock = time.monotonic,
    ) -> None:
        self._lines = lines
        self._period_s = period_s
        self._clock = clock
        self._quotas: dict[tuple[str, int], LineQuota] = {}

    def __call__(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is logged; threads that log at the same moment may exceed the limit by a line each."""
        if record.levelno <= logging.DEBUG:
            return True
        now_s = self._clock()
        key = (record.pathname, record.lineno)
        quota = self._quotas.get(key)
        if quota is None:
            if len(self._quotas) >= _MAX_PLACES:
                self._quotas.clear()
            quota = self._quotas[key] = LineQuota(self._lines, self._period_s)
        if not quota.allow(now_s):
            return False
        if quota.suppressed:
            record.msg = f"{record.getMessage()} ({quota.suppressed} more lines like this were left out)"
            record.args = None
            quota.suppressed = 0
        return True


def cut_message(record: logging.LogRecord) -> bool:
    """Cut a long message; a filter that lets every line through."""
    message = record.getMessage()
    if len(message) > MAX_MESSAGE_CHARACTERS:
        record.msg = f"{message[:MAX_MESSAGE_CHARACTERS]}… ({len(message):,} characters)"
        record.args = None
    return True


class TextFormatter(logging.Formatter):
    """Formats lines for people; control characters are escaped, since a terminal would carry them out."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without its traceback."""
        return _CONTROL.sub(_escaped, super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback, cut to a length."""
        return _CONTROL_IN_LINES.sub(_escaped, _cut_traceback(super().formatException(ei)))


class _JsonLines(JsonFormatter):
    """Formats lines for machines."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback, cut to a length."""
        return _cut_traceback(str(super().formatException(ei)))


def _cut_traceback(text: str) -> str:
    half = MAX_TRACEBACK_CHARACTERS // 2
    return text if len(text) <= 2 * half else f"{text[:half]}\n…\n{text[-half:]}"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _json_formatter(service: str) -> logging.Formatter:
    formatter = _JsonLines(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        static_fields={"service": service},
    )
    # UTC, since lines of several hosts are read together
    formatter.converter = time.gmtime
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.default_msec_format = "%s.%03dZ"
    return formatter
