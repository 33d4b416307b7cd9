"""What both clients share below the requests: the options of httpx, and response bodies with a size limit."""

import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import TypedDict

import httpx

from emotion_client.errors import UnexpectedResponseError, UnreachableError
from emotion_client.requests import RequestSpec

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_TIMEOUT_S = 10.0
DEFAULT_RETRIES = 2


class ClientOptions(TypedDict):
    """Arguments of ``httpx.Client`` and ``httpx.AsyncClient``."""

    base_url: str
    headers: dict[str, str]
    trust_env: bool


def client_options(base_url: str, api_key: str | None) -> ClientOptions:
    """Return the arguments.

    Raises:
        ValueError: The URL isn't an HTTP URL.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"not an HTTP URL; example: {DEFAULT_URL}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{redact_url(url)!r} is not an HTTP URL; example: {DEFAULT_URL}")
    # A small compressed response may unpack to a very large one.
    headers = {"User-Agent": "emotion-client", "Accept-Encoding": "identity"}
    if api_key:
        headers["X-API-Key"] = api_key
    # Proxies of the environment don't apply to this machine.
    return {"base_url": base_url.rstrip("/"), "headers": headers, "trust_env": not is_loopback(url.host)}


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class RequestOptions(TypedDict):
    """Arguments of ``httpx.Client.stream``."""

    method: str
    url: str
    params: dict[str, str]
    headers: dict[str, str]
    content: bytes | None
    timeout: httpx.Timeout


def request_options(spec: RequestSpec, timeout: httpx.Timeout) -> RequestOptions:
    """Return the arguments for a request."""
    return {
        "method": spec.method,
        "url": spec.path,
        "params": dict(spec.params),
        "headers": dict(spec.headers),
        "content": spec.content,
        "timeout": timeout,
    }


class BoundedBody:
    """Collects the body of one response up to a size and a deadline.

    Another server may answer at the gateway's address and send without end.
    """

    def __init__(
        self, response: httpx.Response, max_bytes: int, deadline_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Check the headers of a response.

        Args:
            response: Its headers have been received.
            max_bytes: Largest body.
            deadline_s: When the body must be complete, in seconds of the clock.
            clock: Monotonic seconds.

        Raises:
            UnexpectedResponseError: The body is compressed, or its announced size is too large.
        """
        self._response = response
        self._max_bytes = max_bytes
        self._deadline_s = deadline_s
        self._clock = clock
        self._body = bytearray()
        require_uncompressed(response)
        announced = response.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and (len(announced) > 15 or int(announced) > max_bytes):
            raise self._too_large()

    def append(self, chunk: bytes) -> None:
        """Add the next chunk.

        Raises:
            UnexpectedResponseError: The body is too large.
            UnreachableError: The deadline has passed.
        """
        self._body += chunk
        if len(self._body) > self._max_bytes:
            raise self._too_large()
        if self._clock() > self._deadline_s:
            raise UnreachableError(f"{redact_url(self._response.url)}: timed out while reading the response")

    def response(self) -> httpx.Response:
        """Return the response with its body."""
        headers = [(name, value) for name, value in self._response.headers.multi_items() if name != "transfer-encoding"]
        return httpx.Response(
            self._response.status_code, headers=headers, content=bytes(self._body), request=self._response.request
        )

    def _too_large(self) -> UnexpectedResponseError:
        return UnexpectedResponseError(
            f"{redact_url(self._response.url)} sent a response of more than {self._max_bytes:,} bytes; "
            "it may not be an emotion gateway"
        )


def require_uncompressed(response: httpx.Response) -> None:
    """Check that a response isn't compressed.

    Raises:
        UnexpectedResponseError: It is, although the request allowed no compression.
    """
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnexpectedResponseError(
            f"{redact_url(response.url)} sent a compressed response, which the request did not allow"
        )


def redact_url(url: httpx.URL | str) -> str:
    """Return a URL for messages: without user, password, query and fragment."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "the gateway"
    return str(parts.copy_with(username=None, password=None, query=None, fragment=None))
