"""What both clients hand to httpx."""

from ipaddress import ip_address
from typing import TypedDict

import httpx

from emotion_client.asking import Ask
from emotion_client.bounded_answer import shown_url

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_TIMEOUT_S = 10.0
DEFAULT_RETRIES = 2


class Connection(TypedDict):
    """Arguments of ``httpx.Client`` and of its asynchronous twin."""

    base_url: str
    headers: dict[str, str]
    trust_env: bool


def connection(base_url: str, api_key: str | None) -> Connection:
    """Return the arguments.

    Raises:
        ValueError: The address isn't one of HTTP.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"this is no address; one looks like {DEFAULT_URL}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{shown_url(url)!r} is no address; one looks like {DEFAULT_URL}")
    # Compression may turn little into much, and answers are small.
    headers = {"User-Agent": "emotion-client", "Accept-Encoding": "identity"}
    if api_key:
        headers["X-API-Key"] = api_key
    # A proxy of the environment is for other machines than this one.
    return {"base_url": base_url.rstrip("/"), "headers": headers, "trust_env": not is_this_machine(url.host)}


def is_this_machine(host: str) -> bool:
    """Tell whether a host's name or address means the machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Request(TypedDict):
    """Arguments of ``request`` and ``stream``."""

    method: str
    url: str
    params: dict[str, str]
    headers: dict[str, str]
    content: bytes | None
    timeout: httpx.Timeout


def request(ask: Ask, timeout: httpx.Timeout) -> Request:
    """Return the arguments for a request."""
    return {
        "method": ask.method,
        "url": ask.path,
        "params": dict(ask.params),
        "headers": dict(ask.headers),
        "content": ask.content,
        "timeout": timeout,
    }
