"""A live session: the frames of one camera, detected, analysed and tracked while there are subscribers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from services.contracts.detection import Detection, SearchScope, model_input
from services.contracts.geometry import Box
from services.contracts.live import Drops
from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.live.broadcast import ResultBroadcaster
from services.gateway.live.frame_source import FrameSource
from services.gateway.live.latest_value import LatestValue, clearing
from services.gateway.live.results import AnalyzedFrame, DetectedFrame, FaceTracker
from services.gateway.live.search import DetectorQuota, FaceSearch
from services.gateway.live.shared_tasks import SharedTasks
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline, EmotionScores, Frame
from services.runtime.clock import Clock
from services.runtime.request_context import new_request_id

RETRY_S = 0.2
"""The pause after a step that failed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SessionDeps:
    """The dependencies that all sessions share.

    Attributes:
        sources: Frame sources by camera.
        pipeline: The detector and the model.
        quota: Bounds the detections of all sessions.
        step_timeout_s: Timeout of a step. It is shorter than that of a request, so that subscribers get a status.
        search_timeout_s: Timeout of a search for new faces, which delays no frame.
        metrics: Metrics of live sessions.
        clock: The clock of searches.
    """

    sources: SharedTasks[str, FrameSource]
    pipeline: Pipeline
    quota: DetectorQuota
    step_timeout_s: float
    search_timeout_s: float
    metrics: LiveMetrics
    clock: Clock = monotonic


class LiveSession:
    """Analyses a camera's frames in overlapping steps: a frame is detected while the one before is inferred.

    Each step has a slot for one waiting frame, which a newer frame replaces.
    """

    def __init__(self, camera_id: str, deps: SessionDeps) -> None:
        self._camera_id = camera_id
        self._deps = deps
        self._detect_drops = self._infer_drops = self._full_search_users = 0
        self._to_detect: LatestValue[Frame] = LatestValue(self._count_detect_drop)
        self._to_search: LatestValue[Frame] = LatestValue()
        self._to_infer: LatestValue[DetectedFrame] = LatestValue(self._count_infer_drop)
        self._search = FaceSearch(camera_id, deps.pipeline.detector, deps.quota, deps.metrics, deps.clock)
        self._tracker = FaceTracker(camera_id)
        self._last_frame_id = self._skipped_frame_id = ""
        self.broadcaster = ResultBroadcaster(camera_id)

    @property
    def drops(self) -> Drops:
        """Drops since the session started."""
        return Drops(self._detect_drops, self._infer_drops)

    def skip(self, frame_id: str) -> None:
        """Skip a frame that was analysed elsewhere."""
        self._last_frame_id = self._skipped_frame_id = frame_id

    async def wait_for(self, frame_id: str, timeout_s: float) -> AnalyzedFrame | None:
        """Return the result of this frame or a newer one; None if there will be none in time."""
        return None if frame_id == self._skipped_frame_id else await self.broadcaster.wait_for(frame_id, timeout_s)

    @contextmanager
    def require_full_searches(self) -> Iterator[None]:
        """Search whole frames for new faces while the block runs, instead of changed areas."""
        self._full_search_users += 1
        try:
            yield
        finally:
            self._full_search_users -= 1

    @property
    def _full_only(self) -> bool:
        return self._full_search_users > 0

    async def run(self) -> None:
        """Run until cancelled."""
        with (
            clearing(self._to_detect, self._to_search, self._to_infer),
            self._deps.quota.register(),
            self._deps.sources.acquire(self._camera_id) as source,
            source.subscribe(self._to_detect.put, self._on_source_problem),
        ):
            async with asyncio.TaskGroup() as steps:
                steps.create_task(self._run_forever("detect", self._detect))
                steps.create_task(self._run_forever("search", self._search_new))
                steps.create_task(self._run_forever("infer", self._infer))

    def _on_source_problem(self, problem: Problem | None) -> None:
        if problem is not None:
            self._search.reset_reference()
        self.broadcaster.set_problem("frames", problem)

    async def _run_forever(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except ServiceError as error:
                problem = error.problem
            except Exception:
                _log.exception("camera %s: %s failed", self._camera_id, name)
                problem = Problem(ProblemKind.INTERNAL, f"The step {name} failed")
            else:
                self.broadcaster.set_problem(name, None)
                continue
            self.broadcaster.set_problem(name, problem)
            await asyncio.sleep(RETRY_S)

    async def _detect(self) -> None:
        frame = await self._to_detect.get()
        if frame.frame_id != self._last_frame_id:
            self._to_infer.put(await self._detect_faces(frame))

    async def _detect_faces(self, frame: Frame) -> DetectedFrame:
        """Find the faces of a frame, or of a newer one that arrives during the wait for the quota."""
        search, quota = self._search, self._deps.quota
        has_rois = bool(self._rois(frame))
        if has_rois and search.is_due(self._full_only):
            self._to_search.put(frame)
        async with quota.roi if has_rois else quota.full:
            frame = self._to_detect.replace_if_newer(frame)
            request_id, rois, full_search_at_us = new_request_id(), self._rois(frame), search.full_search_at_us
            started_s = monotonic()
            if rois:
                detection = await search.detect_known(rois, frame, request_id, self._step_deadline())
            else:
                detection = await search.detect_new(frame, request_id, self._step_deadline(), self._full_only)
                if detection.scope is SearchScope.FULL:
                    full_search_at_us = frame.captured_at_us
                self.broadcaster.set_problem("search", None)
        self._last_frame_id = frame.frame_id
        return DetectedFrame(frame, request_id, detection, rois, full_search_at_us, started_s, monotonic())

    async def _search_new(self) -> None:
        """Search for new faces beside the frames whose faces are known."""
        frame = await self._to_search.get()
        async with self._deps.quota.full:
            deadline = Deadline.after(self._deps.search_timeout_s)
            frame = self._to_search.replace_if_newer(frame)
            await self._search.detect_new(frame, new_request_id(), deadline, self._full_only)

    async def _infer(self) -> None:
        detected = await self._to_infer.get()
        started_s = monotonic()
        scores = await self._scores(detected.detection)
        result = self._tracker.update(detected, scores, (monotonic() - started_s) * 1e3, self.drops)
        self.broadcaster.publish(result)
        self._deps.metrics.result(result.frame.age_ms() / 1e3)

    async def _scores(self, detection: Detection) -> EmotionScores | None:
        if not detection.faces:
            return None
        pixels = model_input(detection.faces)
        return await self._deps.pipeline.model.infer(pixels, self._step_deadline())

    def _step_deadline(self) -> Deadline:
        return Deadline.after(self._deps.step_timeout_s)

    def _rois(self, frame: Frame) -> tuple[Box, ...]:
        return self._search.rois(self._tracker.predict_boxes(frame))

    def _count_detect_drop(self) -> None:
        self._detect_drops += 1
        self._deps.metrics.drop("detect")

    def _count_infer_drop(self) -> None:
        self._infer_drops += 1
        self._deps.metrics.drop("infer")
