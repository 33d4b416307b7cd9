"""Reads an uploaded image from a request, as raw body or as a form's field; in memory only."""

import sys
from dataclasses import dataclass
from time import perf_counter

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import HTTPConnection

from services.contracts.detection import IMAGE_MEDIA_TYPES
from services.contracts.prediction import Prediction, UploadSource
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.pipeline import prediction
from services.gateway.dependencies import Running
from services.gateway.metrics import GatewayMetrics
from services.runtime.client_address import client_of
from services.runtime.limits import FairConcurrencyLimit
from services.runtime.request_body import require_media_type

FORM_MEDIA_TYPE = "multipart/form-data"
FORM_FIELD = "image"
ACCEPTED_MEDIA_TYPES = (*IMAGE_MEDIA_TYPES, FORM_MEDIA_TYPE)
ANY_IMAGE = "application/octet-stream"


class _InMemoryParser(MultiPartParser):
    """Starlette's parser, which otherwise writes files over a megabyte to disk: no face may get there."""

    spool_max_size = sys.maxsize


@dataclass(frozen=True)
class Upload:
    """An image as the client sent it, not decoded."""

    data: bytes
    media_type: str


async def read_upload(request: Request) -> Upload:
    """Return the image that a request carries.

    Raises:
        ServiceError: The media type isn't accepted, the body is empty or too large, or the form is
            malformed or lacks the field.
    """
    media_type = require_media_type(request.headers, ACCEPTED_MEDIA_TYPES)
    if media_type == FORM_MEDIA_TYPE:
        upload = await _from_form(request)
    else:
        upload = Upload(await request.body(), media_type or ANY_IMAGE)
    if not upload.data:
        raise ServiceError(ProblemKind.INVALID_IMAGE, "The image is empty")
    return upload


async def _from_form(request: Request) -> Upload:
    form = await parse_form(request)
    try:
        field = form.get(FORM_FIELD)
        if not isinstance(field, UploadFile):
            raise ServiceError(ProblemKind.INVALID_PARAMETER, f"The form needs a file in the field {FORM_FIELD!r}")
        stated = (field.content_type or "").lower()
        return Upload(await field.read(), stated if stated in IMAGE_MEDIA_TYPES else ANY_IMAGE)
    finally:
        await form.close()


async def parse_form(request: Request, text_limit_bytes: int = 1024 * 1024) -> FormData:
    """Return a multipart form, all of it in memory; whoever asks closes it.

    Args:
        request: Its body is read.
        text_limit_bytes: The longest field that is no file.

    Raises:
        ServiceError: It is malformed.
    """
    parser = _InMemoryParser(
        request.headers, request.stream(), max_files=8, max_fields=32, max_part_size=text_limit_bytes
    )
    try:
        return await parser.parse()
    except KeyError as error:
        raise ServiceError(ProblemKind.INVALID_PARAMETER, "The form is malformed: no boundary is stated") from error
    except (MultiPartException, UnicodeError) as error:
        reason = error.message if isinstance(error, MultiPartException) else "its charset can't be used"
        raise ServiceError(ProblemKind.INVALID_PARAMETER, f"The form is malformed: {reason}") from error


@dataclass(frozen=True)
class Moments:
    """When a request came and when its image was there, by ``perf_counter``."""

    started: float
    read: float

    def until_now_ms(self) -> tuple[float, float]:
        """Return the milliseconds until the image was there, and until now."""
        return (self.read - self.started) * 1e3, (perf_counter() - self.started) * 1e3


@dataclass(frozen=True)
class Caller:
    """Who sent an image.

    Attributes:
        request_id: Of the request, or of one message of a WebSocket.
        client: What it counts for.
    """

    request_id: str
    client: str

    @classmethod
    def of(cls, request: HTTPConnection) -> "Caller":
        """Return the caller of a request."""
        return cls(request.state.request_id, client_of(request))


@dataclass(frozen=True)
class Uploaded:
    """Has images analysed, all of them under one limit and counted in one place."""

    metrics: GatewayMetrics
    in_flight: FairConcurrencyLimit

    async def predict(
        self, parts: Running, image: bytes, media_type: str, caller: Caller, moments: Moments
    ) -> Prediction:
        """Return what is found in an image.

        Args:
            parts: The running gateway.
            image: As it came, not decoded.
            media_type: What the client says that it is.
            caller: Who sent it.
            moments: When it came.

        Raises:
            ServiceError: The image can't be used, a service fails, or too many requests are in flight.
        """
        with self.in_flight.slot(caller.client):
            analysis = await parts.pipeline.analyse(image, media_type, caller.request_id, parts.deadline())
        found = prediction(caller.request_id, UploadSource(), analysis, *moments.until_now_ms())
        self.metrics.observe(found)
        return found
