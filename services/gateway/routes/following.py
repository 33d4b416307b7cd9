"""What the routes that follow a camera share."""

from collections.abc import AsyncIterable, Mapping
from contextlib import ExitStack
from typing import Annotated

from fastapi import Query
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.contracts.frames import frame_order
from services.contracts.messages import MalformedMessageError
from services.contracts.problems import ProblemKind
from services.runtime.problems import ProblemError

MOST_FPS = 120

Fps = Annotated[
    float | None,
    Query(gt=0, le=MOST_FPS, allow_inf_nan=False, description="At most this many a second; all if left out."),
]
After = Annotated[str | None, Query(description="The id of the last frame received: go on after it.")]

NOT_KEPT = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect what shall arrive at once
}


class EndlessResponse(StreamingResponse):
    """A stream that holds something for as long as it runs, and lets go of it whatever ends it."""

    def __init__(
        self, content: AsyncIterable[str | bytes], held: ExitStack, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(content, headers=headers, media_type=media_type)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        with self._held:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send all pieces, and keep none while the next is waited for: it may be a picture."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self.body_iterator:
            await send({"type": "http.response.body", "body": _encoded(piece), "more_body": True})
            del piece
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _encoded(piece: str | bytes | memoryview) -> bytes | memoryview:
    return piece.encode() if isinstance(piece, str) else piece


def resume_id(text: str | None) -> str | None:
    """Return the id of the frame to go on after, if one is given.

    Raises:
        ProblemError: 422, no frame has such an id.
    """
    if not text:
        return None
    try:
        frame_order(text)
    except MalformedMessageError as error:
        raise ProblemError(ProblemKind.INVALID_PARAMETER, f"after: {error}") from error
    return text
