"""Reads an uploaded image from a request, as raw body or as a field of a form, in memory only."""

import sys
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.contracts.detection import IMAGE_MEDIA_TYPES
from services.contracts.problems import ProblemKind, ServiceError
from services.runtime.request_body import require_media_type

FORM_MEDIA_TYPE = "multipart/form-data"
FORM_FIELD = "image"
ACCEPTED_MEDIA_TYPES = (*IMAGE_MEDIA_TYPES, FORM_MEDIA_TYPE)
ANY_IMAGE = "application/octet-stream"


class _InMemoryParser(MultiPartParser):
    """Starlette's parser without temporary files: images of faces must not be written to disk."""

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
    """Return a multipart form, all of it in memory. The caller closes it.

    Args:
        request: Its body is read.
        text_limit_bytes: Limit for a field that isn't a file.

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
