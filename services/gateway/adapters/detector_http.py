"""Client of the detector's HTTP API."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import httpx

from services.contracts.detection import (
    DETECT_PATH,
    FALLBACK_PARAMETER,
    REFERENCE_HEADER,
    REQUEST_TIMEOUT_HEADER,
    ROI_PARAMETER,
    Detection,
)
from services.contracts.geometry import Box, format_roi
from services.contracts.messages import MalformedMessageError, decode_json
from services.contracts.problems import ProblemKind, ServiceError
from services.contracts.text import replace_unprintable
from services.gateway.adapters.load_balancing import CONNECT_TIMEOUT_S, BalancedTransport, CachingResolver
from services.gateway.protocols import Deadline
from services.runtime.request_context import REQUEST_ID_HEADER

_IMAGE_PROBLEMS = {
    kind.type: kind for kind in (ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE, ProblemKind.BODY_TOO_LARGE)
}
_BROKEN_CONNECTION = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
_READY_PATH = "/readyz"
MAX_RESPONSE_BYTES = 4 * 1024 * 1024
"""Largest response that is read. A thousand faces take 3.3 MB."""
_EXCERPT_BYTES = 200
_log = logging.getLogger(__name__)


def connect(url: str, connections: int) -> BalancedTransport:
    """Return a transport to all detectors behind a URL. It connects when it is used.

    Args:
        url: Its host name may have several addresses, which may change at any time.
        connections: Most connections at the same time.
    """
    transport = httpx.AsyncHTTPTransport(
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections), trust_env=False
    )
    return BalancedTransport(transport, CachingResolver(httpx.URL(url).host))


class DetectorClient:
    """A ``FaceDetector`` behind HTTP."""

    def __init__(self, transport: httpx.AsyncBaseTransport, url: str) -> None:
        """Create the client.

        Args:
            transport: Sends the requests. An httpx client around it would add cookies, redirects and authentication,
                which the detector doesn't use, at half of a request's cost.
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
        rois: Sequence[Box] = (),
        reference: str | None = None,
    ) -> Detection:
        """Return the faces of an image, of regions in it, or of the parts that have changed."""
        seconds = deadline.remaining_s()
        try:
            async with asyncio.timeout(seconds):
                response = await self._post(image, media_type, request_id, deadline, rois, reference)
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
        """Return if a detector is ready. If the first one isn't, a second one is checked."""
        try:
            response = await self._readiness()
        except httpx.HTTPError as error:
            raise _unavailable("The detector can't be reached") from error
        if response.status_code != 200:
            raise _unavailable(f"The detector isn't ready: {response.excerpt()}")
        return "ready"

    async def _readiness(self) -> "_Response":
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
        rois: Sequence[Box],
        reference: str | None,
    ) -> "_Response":
        path = _path(rois)
        headers = {
            "Content-Type": media_type,
            "Content-Length": str(len(image)),
            REQUEST_ID_HEADER: request_id,
        }
        if reference is not None:
            headers[REFERENCE_HEADER] = reference
        try:
            return await self._send_image(path, headers, image, deadline)
        except _BROKEN_CONNECTION:
            # The keep-alive connection was closed, or one of several detectors has stopped. Detection has no side
            # effects, so it is retried once, within the deadline.
            return await self._send_image(path, headers, image, deadline)

    async def _send_image(self, path: str, headers: Mapping[str, str], image: bytes, deadline: Deadline) -> "_Response":
        headers = {**headers, REQUEST_TIMEOUT_HEADER: str(round(deadline.remaining_s() * 1e3))}
        body = _SingleUseBody(image)
        try:
            return await self._send("POST", path, headers, body)
        finally:
            body.release()

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: httpx.AsyncByteStream | None = None
    ) -> "_Response":
        request = httpx.Request(
            method,
            self._url.copy_with(raw_path=self._url.raw_path.rstrip(b"/") + path.encode("ascii")),
            headers={"Host": self._url.netloc.decode("ascii"), **headers},
            stream=body or httpx.ByteStream(b""),
            extensions={"timeout": self._timeout},
        )
        response = await self._transport.handle_async_request(request)
        try:
            return _Response(response.status_code, await _read_body(response))
        finally:
            await response.aclose()


@dataclass(frozen=True)
class _Response:
    """A detector's response."""

    status_code: int
    body: bytes

    def excerpt(self) -> str:
        """Return the start of the body for messages."""
        return replace_unprintable(self.body[:_EXCERPT_BYTES])


@dataclass(frozen=True)
class _Problem:
    type: str
    detail: str


async def _read_body(response: httpx.Response) -> bytes:
    """Return the body without decompression: the detector doesn't compress.

    Raises:
        httpx.DecodingError: It exceeds ``MAX_RESPONSE_BYTES``.
    """
    assert isinstance(response.stream, httpx.AsyncByteStream)
    body = bytearray()
    async for chunk in response.stream:
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise httpx.DecodingError(f"The detector's answer has more than {MAX_RESPONSE_BYTES:,} bytes")
    return bytes(body)


class _SingleUseBody(httpx.AsyncByteStream):
    """The body of one request, which releases the image when it is sent.

    httpx's requests are in reference cycles, which live until the garbage collector runs. A plain body would keep
    megabytes alive for each upload.
    """

    def __init__(self, image: bytes) -> None:
        self._image: bytes | None = image

    def release(self) -> None:
        """Release the image, sent or not."""
        self._image = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        image, self._image = self._image, None
        if image is not None:
            yield image


def _path(rois: Sequence[Box]) -> str:
    """Return the path and query; a region without a face triggers no full search, since the caller schedules those."""
    if not rois:
        return DETECT_PATH
    regions = "&".join(f"{ROI_PARAMETER}={format_roi(box)}" for box in rois)
    return f"{DETECT_PATH}?{regions}&{FALLBACK_PARAMETER}=none"


def _read(response: _Response) -> Detection:
    if response.status_code == 200:
        try:
            return Detection.from_json(response.body)
        except MalformedMessageError as error:
            _log.warning("the detector's answer can't be read: %s", error)
            raise _unavailable("The detector's answer can't be read") from error
    raise _problem(response)


def _problem(response: _Response) -> ServiceError:
    try:
        problem = decode_json("problem", response.body, _Problem)
        type_, detail = problem.type, replace_unprintable(problem.detail)
    except MalformedMessageError:
        type_, detail = "", response.excerpt()
    if type_ in _IMAGE_PROBLEMS:
        return ServiceError(_IMAGE_PROBLEMS[type_], detail)
    if type_ == ProblemKind.OVERLOADED.type:
        return ServiceError(ProblemKind.OVERLOADED, f"The detector is overloaded: {detail}", dependency="detector")
    _log.warning("the detector answered %s: %s", response.status_code, detail)
    return _unavailable(f"The detector answered {response.status_code}: {detail}")


def _unavailable(detail: str) -> ServiceError:
    return ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, detail, dependency="detector")
