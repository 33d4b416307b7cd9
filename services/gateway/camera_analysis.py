"""The analysis of a camera's frame: made once, whoever asks for it and however often."""

from services.contracts.problems import ProblemKind
from services.gateway.frames import Frame
from services.gateway.pipeline import Analysis, Pipeline
from services.gateway.sharing import SharedCalls
from services.runtime.problems import ProblemError


class CameraAnalyses:
    """Analyses by camera and frame; the newest of each camera is kept for who asks next."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._running: SharedCalls[tuple[str, str], Analysis] = SharedCalls()
        self._newest: dict[str, tuple[str, Analysis]] = {}

    async def of_frame(self, camera: str, frame: Frame, request_id: str) -> Analysis:
        """Return what was found in a frame.

        Raises:
            ProblemError: A service fails, or the camera sent no picture.
        """
        frame_id, analysis = self._newest.get(camera, ("", None))
        if analysis is not None and frame_id == frame.frame_id:
            return analysis
        analysis = await self._running.run((camera, frame.frame_id), lambda: self._analyse(camera, frame, request_id))
        self._newest[camera] = (frame.frame_id, analysis)
        return analysis

    async def _analyse(self, camera: str, frame: Frame, request_id: str) -> Analysis:
        try:
            return await self._pipeline.analyse(frame.message.jpeg, "image/jpeg", request_id)
        except ProblemError as error:
            if not 400 <= error.problem.kind.status < 500:
                raise
            # The client sent no picture, so one that can't be used is no fault of the client's.
            detail = f"Camera {camera}'s frame can't be used: {error.problem.detail}"
            raise ProblemError(ProblemKind.NO_FRESH_FRAME, detail, camera=camera) from error
