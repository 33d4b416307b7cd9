"""The analysis of a camera's frame: made once, whoever asks for it and however often."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from services.contracts.frames import FRAMES_TTL_S
from services.contracts.problems import ProblemKind
from services.gateway.deadline import Deadline
from services.gateway.frames import Frame
from services.gateway.pipeline import Analysis, Pipeline
from services.gateway.sharing import SharedCalls
from services.runtime.problems import ProblemError

MAX_KEPT = 256
"""Most cameras whose last analysis is kept. One that is older than Redis keeps frames goes with the next."""


class CameraAnalyses:
    """One analysis of each camera at a time; the last of each is kept for who asks next.

    Those who come while one runs share it, though the camera may have sent a newer frame since: its
    answer is no older than that of the one who asked first. So a camera costs the detector one image
    at a time, however many ask for it.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._running: SharedCalls[str, tuple[Frame, Analysis]] = SharedCalls()
        self._newest: dict[str, tuple[Frame, Analysis]] = {}  # without pictures, the oldest first

    async def now(self, camera: str, frame: Frame, request_id: str, by: Deadline) -> tuple[Frame, Analysis]:
        """Return what was found in a camera's frame, by then, and the frame that it was found in, without its picture.

        Args:
            camera: The camera.
            frame: Its newest frame.
            request_id: Who asks.
            by: When the answer must be there.

        Raises:
            ProblemError: A service fails, or the camera sent no picture.
        """
        last = self._newest.get(camera)
        if last is not None and last[0].frame_id == frame.frame_id:
            return last
        return await self._running.run(camera, lambda: self._analyse(camera, frame, request_id, by))

    async def _analyse(self, camera: str, frame: Frame, request_id: str, by: Deadline) -> tuple[Frame, Analysis]:
        with a_cameras_frame(camera):
            analysis = await self._pipeline.analyse(frame.message.jpeg, "image/jpeg", request_id, by)
        self._keep(camera, frame.without_picture(), analysis)
        return self._newest[camera]

    def _keep(self, camera: str, frame: Frame, analysis: Analysis) -> None:
        oldest_s = monotonic() - FRAMES_TTL_S
        kept = {one: last for one, last in self._newest.items() if one != camera and last[0].read_at_s >= oldest_s}
        if len(kept) >= MAX_KEPT:
            del kept[next(iter(kept))]
        kept[camera] = frame, analysis
        self._newest = kept


@contextmanager
def a_cameras_frame(camera: str) -> Iterator[None]:
    """Turn the problem of a picture that can't be used into the camera's: who asks for a camera sent no picture."""
    try:
        yield
    except ProblemError as error:
        if not 400 <= error.problem.kind.status < 500:
            raise
        detail = f"Camera {camera}'s frame can't be used: {error.problem.detail}"
        raise ProblemError(ProblemKind.NO_FRESH_FRAME, detail, camera=camera) from error
