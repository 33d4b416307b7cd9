"""Addresses of other services, checked when settings are read."""

import os
import re
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, SecretStr

_REDIS_SCHEMES = ("redis", "rediss", "unix")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})")
_MAX_PORT = 65535
MAX_SOCKET_PATH_BYTES = 103
"""Of a Unix socket on macOS; Linux allows four more."""


def _check_redis_url(value: SecretStr) -> SecretStr:
    parts = _split(value.get_secret_value())
    if parts is None or parts[0] not in _REDIS_SCHEMES or not (parts[1] or parts[0] == "unix"):
        # The value stays out of the message: it may hold a password.
        raise ValueError("must be a URL such as redis://:password@host:6379/0")
    return value


def _check_http_url(value: str) -> str:
    parts = _split(value)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or any(mark in value for mark in "@?#"):
        raise ValueError("must be a URL such as http://host:8002, without a user, a password or a query")
    return value


def _check_host_and_port(value: str) -> str:
    match = _HOST_AND_PORT.fullmatch(value)
    if match is None or not 0 < int(match[2]) <= _MAX_PORT:
        raise ValueError("must be host:port, such as serving:8500")
    return value


def _check_grpc_target(value: str) -> str:
    if not value.startswith("unix:"):
        return _check_host_and_port(value)
    path = value.removeprefix("unix://")
    if not path.startswith("/") or not path.isprintable() or any(mark in path for mark in " ?#"):
        raise ValueError("must be host:port, such as serving:8500, or a socket, such as unix:///run/serving.sock")
    if len(os.fsencode(unquote(path))) > MAX_SOCKET_PATH_BYTES:
        raise ValueError(f"must not be longer than {MAX_SOCKET_PATH_BYTES} bytes as the path of a socket")
    return value


def _split(url: str) -> tuple[str, str | None] | None:
    """Return scheme and host; None where the URL or its port can't be read."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it isn't a port
    except ValueError:
        return None
    return parts.scheme, parts.hostname


RedisUrl = Annotated[SecretStr, AfterValidator(_check_redis_url)]
"""``redis://``, ``rediss://`` or ``unix://``; may hold a password, so it is never shown."""

HttpUrl = Annotated[str, AfterValidator(_check_http_url)]
"""``http://host:port``, perhaps with a path."""

GrpcTarget = Annotated[str, AfterValidator(_check_grpc_target)]
"""``host:port``, where an IPv6 address stands in brackets, or ``unix:///path`` with an absolute path."""
