"""The detector over HTTP: the only file of the gateway that talks to it."""

import asyncio
import logging
from collections.abc import AsyncIterator

import httpx

from services.contracts.detection import DETECT_PATH, Detection
from services.contracts.messages import MalformedMessage
from services.contracts.problems import ProblemKind
from services.runtime.problems import ProblemError
from services.runtime.request_context import REQUEST_ID_HEADER

_IMAGE_PROBLEMS = {
    kind.type: kind for kind in (ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE, ProblemKind.BODY_TOO_LARGE)
}
_BROKEN_CONNECTION = (httpx.NetworkError, httpx.RemoteProtocolError)
_log = logging.getLogger(__name__)


class HttpDetector:
    """A ``FaceDetector``."""

    def __init__(self, client: httpx.AsyncClient, timeout_s: float) -> None:
        """Use a client whose base address is the detector's."""
        self._client = client
        self._timeout_s = timeout_s

    async def detect(self, image: bytes, media_type: str, request_id: str) -> Detection:
        """Return the faces of an image."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._post(image, media_type, request_id)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ProblemError(
                ProblemKind.DEPENDENCY_TIMEOUT,
                f"The detector took longer than {self._timeout_s:g} s",
                dependency="detector",
            ) from error
        except httpx.HTTPError as error:
            raise _unavailable("The detector can't be reached") from error
        return _read(response)

    async def check(self) -> str:
        """Return if the detector says that it is ready."""
        try:
            response = await self._client.get("/readyz")
        except httpx.HTTPError as error:
            raise _unavailable("The detector can't be reached") from error
        if response.status_code != 200:
            raise _unavailable(f"The detector says: {response.text[:200]}")
        return "ready"

    async def _post(self, image: bytes, media_type: str, request_id: str) -> httpx.Response:
        headers = {
            "Content-Type": media_type,
            "Content-Length": str(len(image)),
            REQUEST_ID_HEADER: request_id,
        }
        try:
            return await self._client.post(DETECT_PATH, content=_once(image), headers=headers)
        except _BROKEN_CONNECTION:
            # A kept connection may have died with an earlier detector; once more, within the deadline.
            return await self._client.post(DETECT_PATH, content=_once(image), headers=headers)


async def _once(image: bytes) -> AsyncIterator[bytes]:
    """Yield the image.

    httpx's requests live in reference cycles until the garbage collector comes; one that held the
    image itself would keep megabytes alive for each upload.
    """
    yield image


def _read(response: httpx.Response) -> Detection:
    if response.status_code == 200:
        try:
            return Detection.decode(response.json())
        except (MalformedMessage, ValueError) as error:
            _log.exception("the detector's answer can't be read")
            raise _unavailable("The detector's answer can't be read") from error
    raise _problem(response)


def _problem(response: httpx.Response) -> ProblemError:
    try:
        body = response.json()
        kind, detail = _IMAGE_PROBLEMS.get(body["type"]), str(body["detail"])
    except (ValueError, KeyError, TypeError):
        kind, detail = None, response.text[:200]
    if kind is not None:
        return ProblemError(kind, detail)
    _log.warning("the detector answered %s: %s", response.status_code, detail)
    return _unavailable(f"The detector answered {response.status_code}: {detail}")


def _unavailable(detail: str) -> ProblemError:
    return ProblemError(ProblemKind.DEPENDENCY_UNAVAILABLE, detail, dependency="detector")
