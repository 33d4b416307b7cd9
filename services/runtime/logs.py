"""Logging: one line an event, as text or as JSON."""

import logging
import sys
import time

from pythonjsonlogger.json import JsonFormatter

_QUIET = {"httpx": logging.WARNING, "httpcore": logging.WARNING, "uvicorn.error": logging.WARNING}


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
        handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)-7s {service} %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))


def _json_formatter(service: str) -> logging.Formatter:
    formatter = JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        static_fields={"service": service},
    )
    # UTC, since lines of several hosts are read together
    formatter.converter = time.gmtime
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.default_msec_format = "%s.%03dZ"
    return formatter
