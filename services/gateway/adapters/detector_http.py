"""The detector over HTTP: the only file of the gateway that talks to it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from services.contracts.detection import DETECT_PATH, REFERENCE_HEADER, REQUEST_TIMEOUT_HEADER, Detection
from services.contracts.geometry import Box, format_roi
from services.contracts.messages import MalformedMessageError, printable, shown
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.adapters.load_balancing import CONNECT_TIMEOUT_S, BalancedTransport, CachingResolver
from services.gateway.protocols import Deadline
from services.runtime.request_context import REQUEST_ID_HEADER

_IMAGE_PROBLEMS = {
    kind.type: kind for kind in (ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE, ProblemKind.BODY_TOO_LARGE)
}
_BROKEN_CONNECTION = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
_READY_PATH = "/readyz"
MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Largest answer that is read: a thousand faces take 12.5 MB."""
MAX_JSON_VALUES = 32_000
"""About how many values an answer may hold: small JSON can become very many objects. A face has some ten."""
_SHOWN_BYTES = 200
_log = logging.getLogger(__name__)


def connect(url: str, connections: int) -> BalancedTransport:
    """Return the way to all detectors behind a URL; it connects when it is used.

    Args:
        url: Where they are; the name may have several addresses, and others from one moment to the next.
        connections: Most connections at the same time.
    """
    transport = httpx.AsyncHTTPTransport(
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections), trust_env=False
    )
    return BalancedTransport(transport, CachingResolver(httpx.URL(url).host))


class DetectorClient:
    """A ``FaceDetector``."""

    def __init__(self, transport: httpx.AsyncBaseTransport, url: str) -> None:
        """Ask the detectors at a URL.

        Args:
            transport: What requests go through. An httpx client around it would add cookies, redirects and logins,
                which a detector has none of, at half of a request's cost.
            url: The detector's address.
        """
        self._transport = transport
        self._url = httpx.URL(url)
        # Callers limit the whole request: a prediction by its deadline, a check by the runtime.
        self._timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S).as_dict()

    async def detect(
        self,
        image: bytes,
        media_type: str,
        request_id: str,
        deadline: Deadline,
        *,
        near: Sequence[Box] = (),
        overview: str | None = None,
    ) -> Detection:
        """Return the faces of an image, of the surroundings of boxes in it, or of what differs in it."""
        seconds = deadline.remaining_s()
        try:
            async with asyncio.timeout(seconds):
                response = await self._post(image, media_type, request_id, deadline, near, overview)
        except httpx.ConnectTimeout as error:
            raise _unavailable("The detector can't be reached") from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ServiceError(
                ProblemKind.DEPENDENCY_TIMEOUT, f"The detector took longer than {seconds:.2g} s", dependency="detector"
            ) from error
        except httpx.DecodingError as error:
            raise _unavailable(str(error)) from error
        except httpx.HTTPError as error:
            raise _unavailable("The detector can't be reached") from error
        return _read(response)

    async def check(self) -> str:
        """Return if a detector says that it is ready; where one doesn't, another may."""
        try:
            response = await self._readiness()
        except httpx.HTTPError as error:
            raise _unavailable("The detector can't be reached") from error
        if response.status_code != 200:
            raise _unavailable(f"The detector says: {response.start()}")
        return "ready"

    async def _readiness(self) -> "_Answer":
        try:
            response = await self._send("GET", _READY_PATH, {})
            if response.status_code == 200:
                return response
        except _BROKEN_CONNECTION:
            pass
        return await self._send("GET", _READY_PATH, {})

    async def _post(
        self,
        image: bytes,
        media_type: str,
        request_id: str,
        deadline: Deadline,
        near: Sequence[Box],
        overview: str | None,
    ) -> "_Answer":
        path = _path(near)
        headers = {
            "Content-Type": media_type,
            "Content-Length": str(len(image)),
            REQUEST_ID_HEADER: request_id,
        }
        if overview is not None:
            headers[REFERENCE_HEADER] = overview
        try:
            return await self._send_image(path, headers, image, deadline)
        except _BROKEN_CONNECTION:
            # A kept connection may have died with an earlier detector, or this one detector of several is gone.
            # It keeps no state, so once more, within the deadline.
            return await self._send_image(path, headers, image, deadline)

    async def _send_image(self, path: str, headers: Mapping[str, str], image: bytes, deadline: Deadline) -> "_Answer":
        headers = {**headers, REQUEST_TIMEOUT_HEADER: str(round(deadline.remaining_s() * 1e3))}
        body = _SingleUseBody(image)
        try:
            return await self._send("POST", path, headers, body)
        finally:
            body.release()

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: httpx.AsyncByteStream | None = None
    ) -> "_Answer":
        request = httpx.Request(
            method,
            self._url.copy_with(raw_path=self._url.raw_path.rstrip(b"/") + path.encode("ascii")),
            headers={"Host": self._url.netloc.decode("ascii"), **headers},
            stream=body or httpx.ByteStream(b""),
            extensions={"timeout": self._timeout},
        )
        response = await self._transport.handle_async_request(request)
        try:
            return _Answer(response.status_code, await _read_body(response))
        finally:
            await response.aclose()


@dataclass(frozen=True)
class _Answer:
    """What a detector answered."""

    status_code: int
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            MalformedMessageError: It is none, or has too many values.
        """
        if sum(self.body.count(mark) for mark in (b",", b"[", b"{")) > MAX_JSON_VALUES:
            raise MalformedMessageError(f"it has more than {MAX_JSON_VALUES:,} values")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # without a cause: it would hold the body
            raise MalformedMessageError("it is no JSON") from None

    def start(self) -> str:
        """Return how the body begins, for people."""
        return printable(self.body[:_SHOWN_BYTES])


async def _read_body(response: httpx.Response) -> bytes:
    """Return the body as it came: a detector compresses nothing.

    Raises:
        httpx.DecodingError: It is larger than any answer.
    """
    assert isinstance(response.stream, httpx.AsyncByteStream)
    body = bytearray()
    async for piece in response.stream:
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise httpx.DecodingError(f"The detector's answer has more than {MAX_ANSWER_BYTES:,} bytes")
    return bytes(body)


class _SingleUseBody(httpx.AsyncByteStream):
    """The body of one request, which lets go of it.

    httpx's requests live in reference cycles until the garbage collector comes; one that held the
    image itself would keep megabytes alive for each upload.
    """

    def __init__(self, image: bytes) -> None:
        self._image: bytes | None = image

    def release(self) -> None:
        """Let go of the image, whether or not it was sent."""
        self._image = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        image, self._image = self._image, None
        if image is not None:
            yield image


def _path(near: Sequence[Box]) -> str:
    """Return what to ask for; the caller decides when to search elsewhere, a missed hint doesn't."""
    if not near:
        return DETECT_PATH
    return f"{DETECT_PATH}?{'&'.join(f'near={format_roi(box)}' for box in near)}&elsewhere=false"


def _read(response: _Answer) -> Detection:
    if response.status_code == 200:
        try:
            return Detection.decode(response.json())
        except MalformedMessageError as error:
            _log.warning("the detector's answer can't be read: %s", error)
            raise _unavailable("The detector's answer can't be read") from error
    raise _problem(response)


def _problem(response: _Answer) -> ServiceError:
    try:
        body = response.json()
        type_, detail = shown(body["type"]), shown(body["detail"])
    except (MalformedMessageError, KeyError, TypeError):
        type_, detail = "", response.start()
    if type_ in _IMAGE_PROBLEMS:
        return ServiceError(_IMAGE_PROBLEMS[type_], detail)
    if type_ == ProblemKind.OVERLOADED.type:
        return ServiceError(ProblemKind.OVERLOADED, f"The detector has too much to do: {detail}", dependency="detector")
    _log.warning("the detector answered %s: %s", response.status_code, detail)
    return _unavailable(f"The detector answered {response.status_code}: {detail}")


def _unavailable(detail: str) -> ServiceError:
    return ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, detail, dependency="detector")
