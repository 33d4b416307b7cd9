"""Reads answers up to a bound: whoever answers at the gateway's address may send without end."""

import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import TypedDict

import httpx

from emotion_client.errors import UnexpectedAnswerError, UnreachableError
from emotion_client.requests import Ask


class BoundedBody:
    """Collects the body of one answer as it comes.

    The client asks for no compression and refuses it, since a kilobyte may unpack to a megabyte.
    """

    def __init__(
        self, response: httpx.Response, max_bytes: int, ends_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin.

        Args:
            response: Its headers have come.
            max_bytes: Most bytes of the body.
            ends_s: When it must be there, by the clock.
            clock: Monotonic seconds.

        Raises:
            UnexpectedAnswerError: It is compressed, or announces too much.
        """
        self._response = response
        self._max_bytes = max_bytes
        self._ends_s = ends_s
        self._clock = clock
        self._body = bytearray()
        require_uncompressed(response)
        announced = response.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and (len(announced) > 15 or int(announced) > max_bytes):
            raise self._too_large()

    def add(self, chunk: bytes) -> None:
        """Take the next piece.

        Raises:
            UnexpectedAnswerError: It is too much.
            UnreachableError: It comes too slowly.
        """
        self._body += chunk
        if len(self._body) > self._max_bytes:
            raise self._too_large()
        if self._clock() > self._ends_s:
            raise UnreachableError(f"{shown_url(self._response.url)}: the answer wasn't whole in time")

    def whole(self) -> httpx.Response:
        """Return the response with its body."""
        headers = [(name, value) for name, value in self._response.headers.multi_items() if name != "transfer-encoding"]
        return httpx.Response(
            self._response.status_code, headers=headers, content=bytes(self._body), request=self._response.request
        )

    def _too_large(self) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            f"{shown_url(self._response.url)} answered with more than {self._max_bytes:,} bytes: is it the gateway?"
        )


def require_uncompressed(response: httpx.Response) -> None:
    """Make sure that a body is what it says.

    Raises:
        UnexpectedAnswerError: It is compressed, which wasn't asked for.
    """
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnexpectedAnswerError(f"{shown_url(response.url)} answered compressed, which wasn't asked for")


def shown_url(url: httpx.URL | str) -> str:
    """Return an address as people may see it: without user, password, query and fragment."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "the gateway"
    return str(parts.copy_with(username=None, password=None, query=None, fragment=None))


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
