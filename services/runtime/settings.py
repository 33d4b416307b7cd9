"""Settings from the environment; a misspelt variable is an error, not a default in disguise."""

import os
import re
import sys
from collections.abc import Collection
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Annotated, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableValue

from services.runtime.origins import OriginPolicy

_HOST_NAME = re.compile(r"\*|(\*\.)?[^\s:/@?#\[\]*]+")


class SettingsError(ValueError):
    """A variable is unknown or its value can't be used; the message has one line for each."""


class ServiceSettings(BaseSettings):
    """The settings that all services share. Subclasses set ``env_prefix`` and a default port."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        "127.0.0.1", description="Address to listen on, without the port; 0.0.0.0 for every IPv4 address."
    )
    port: int = Field(ge=0, le=65535, description="TCP port to listen on; 0 picks a free one.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Names that the service is reached by besides localhost and IP addresses, such as "
        "`cam.example.org` or `*.example.org`, separated by commas; `*` for all, where a proxy before it checks them. "
        "Requests that name another host get 421.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Lowest level that is logged.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Lines for people in local time, or JSON objects for machines in UTC."
    )
    drain_s: float = Field(
        0.2, ge=0, le=60, description="Time between SIGTERM, when readiness goes down, and the end of listening."
    )
    stop_timeout_s: int = Field(
        10, ge=1, le=300, description="Time that requests in flight get to finish once listening has ended."
    )
    max_connections: int = Field(
        2048,
        ge=1,
        description="Connections at the same time, and at most three quarters of the process's file descriptors; those "
        "that only wait are closed for new ones, else more get 503.",
    )
    max_connections_per_client: int = Field(
        256,
        ge=1,
        description="Connections of one address, or of one /64 network of IPv6, at the same time; more get 503. "
        "Loopback has no such bound.",
    )

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return split_list(value)

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if _HOST_NAME.fullmatch(host.lower()) is None:
                raise ValueError(f"{host!r} is no name such as cam.example.org, without scheme and port")
        return tuple(host.lower() for host in value)

    @property
    def origin_policy(self) -> OriginPolicy:
        """The hosts that a request may name: those of the settings, and the address to listen on."""
        prefix = self.model_config.get("env_prefix", "")
        return OriginPolicy(frozenset({*self.allowed_hosts, self.host.lower()}), prefix=prefix)


def split_list(value: object) -> object:
    """Split a text at commas; return anything else unchanged."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on is reachable from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


S = TypeVar("S", bound=BaseSettings)


def load_settings(cls: type[S]) -> S:
    """Read a service's settings from the environment.

    Raises:
        SettingsError: A variable with the service's prefix is unknown, or a value can't be used.
    """
    prefix = cls.model_config.get("env_prefix", "").upper()
    known = {f"{prefix}{name.upper()}" for name in cls.model_fields}
    unknown = sorted(name for name in os.environ if name.upper().startswith(prefix) and name.upper() not in known)
    if unknown:
        raise SettingsError("\n".join(f"{name}: unknown setting; {_suggest(name, known)}" for name in unknown))
    try:
        return cls()
    except ValidationError as error:
        raise SettingsError(
            "\n".join(f"{_variable(prefix, problem['loc'])}: {problem['msg']}" for problem in error.errors())
        ) from error
    except UnreadableValue as error:  # a list or mapping that is not JSON
        field = re.search(r'field "(\w+)"', str(error))
        raise SettingsError(f"{_variable(prefix, field.groups() if field else ())}: not valid JSON") from error


def load_settings_or_exit(cls: type[S]) -> S:
    """Read a service's settings, or exit with status 2 and the reason on standard error."""
    try:
        return load_settings(cls)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - logging isn't configured yet
        raise SystemExit(2) from error


def _suggest(name: str, known: Collection[str]) -> str:
    similar = get_close_matches(name.upper(), known, n=1, cutoff=0.85)
    return f"did you mean {similar[0]}?" if similar else f"known settings are {', '.join(sorted(known))}"


def _variable(prefix: str, location: tuple[int | str, ...]) -> str:
    return f"{prefix}{location[0]}".upper() if location else f"{prefix}*"


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
