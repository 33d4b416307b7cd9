"""A camera's frames, analysed one after the other for as long as somebody follows them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import numpy as np

from services.contracts.detection import Detection, Searched
from services.contracts.geometry import Box
from services.contracts.live import Drops
from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.live.broadcast import Board
from services.gateway.live.frame_source import FrameFeed
from services.gateway.live.latest_value import Latest, cleared
from services.gateway.live.results import Detected, LiveAnswer, TrackedFaces
from services.gateway.live.search import DetectorShare, FaceSearch
from services.gateway.live.shared_tasks import Lifetimes
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline, EmotionScores, Frame
from services.runtime.request_context import new_request_id

RETRY_S = 0.2
"""The pause after a step that failed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SessionParts:
    """What all sessions share.

    Attributes:
        feeds: Where frames come from.
        pipeline: The detector and the model.
        share: What sessions together may ask of the detector.
        step_timeout_s: A step that takes longer is given up, and viewers are told.
        search_timeout_s: Likewise for a search for new faces beside the frames, which delays none.
        metrics: What is counted.
    """

    feeds: Lifetimes[str, FrameFeed]
    pipeline: Pipeline
    share: DetectorShare
    step_timeout_s: float
    search_timeout_s: float
    metrics: LiveMetrics


class LiveSession:
    """Steps that overlap: while a frame is inferred the next is detected. Each step has room for one that waits."""

    def __init__(self, camera: str, parts: SessionParts) -> None:
        self._camera = camera
        self._parts = parts
        self._detect_drops = self._infer_drops = self._want_whole = 0
        self._to_detect: Latest[Frame] = Latest(self._count_detect_drop)
        self._to_search: Latest[Frame] = Latest()
        self._to_infer: Latest[Detected] = Latest(self._count_infer_drop)
        self._faces = FaceSearch(camera, parts.pipeline.detector, parts.share, parts.metrics)
        self._tracked = TrackedFaces(camera)
        self._done_id = self._skipped_id = ""
        self.board = Board(camera)

    @property
    def drops(self) -> Drops:
        """What was dropped since the session began."""
        return Drops(self._detect_drops, self._infer_drops)

    def skip(self, frame_id: str) -> None:
        """Leave out a frame that has been analysed elsewhere."""
        self._done_id = self._skipped_id = frame_id

    async def result_of(self, frame_id: str, timeout_s: float) -> LiveAnswer | None:
        """Return the result of a frame or a newer one; None if it won't come or doesn't in time."""
        return None if frame_id == self._skipped_id else await self.board.wait_for(frame_id, timeout_s)

    @contextmanager
    def searched_whole(self) -> Iterator[None]:
        """Have whole pictures searched while the block runs, even where nothing has changed."""
        self._want_whole += 1
        try:
            yield
        finally:
            self._want_whole -= 1

    @property
    def _whole_only(self) -> bool:
        return self._want_whole > 0

    async def run(self) -> None:
        """Work until cancelled."""
        with (
            cleared(self._to_detect, self._to_search, self._to_infer),
            self._parts.share.taken(),
            self._parts.feeds.hold(self._camera) as feed,
            feed.following(self._to_detect.put, self._told),
        ):
            async with asyncio.TaskGroup() as steps:
                steps.create_task(self._again_and_again("detect", self._detect))
                steps.create_task(self._again_and_again("search", self._search))
                steps.create_task(self._again_and_again("infer", self._infer))

    def _told(self, problem: Problem | None) -> None:
        """Take note of what keeps frames from coming; without frames nothing is kept of the last picture."""
        if problem is not None:
            self._faces.forget_overview()
        self.board.report("frames", problem)

    async def _again_and_again(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except ServiceError as error:
                problem = error.problem
            except Exception:
                _log.exception("camera %s: %s failed", self._camera, name)
                problem = Problem(ProblemKind.INTERNAL, f"The step {name} failed")
            else:
                self.board.report(name, None)
                continue
            self.board.report(name, problem)
            await asyncio.sleep(RETRY_S)

    async def _detect(self) -> None:
        frame = await self._to_detect.take()
        if frame.frame_id == self._done_id:
            return
        self._to_infer.put(await self._detected(frame))

    async def _detected(self, frame: Frame) -> Detected:
        """Find a frame's faces, or a newer one's."""
        faces, share = self._faces, self._parts.share
        known = bool(self._hints(frame))
        if known and faces.due(self._whole_only):
            self._to_search.put(frame)
        async with share.hinted if known else share.full:
            frame = self._to_detect.newer_than(frame)
            request_id, hints, searched_at_us = new_request_id(), self._hints(frame), faces.searched_at_us
            asked = monotonic()
            if hints:
                detection = await faces.around(hints, frame, request_id, self._step_end())
            else:
                detection = await faces.anew(frame, request_id, self._step_end(), self._whole_only)
                if detection.searched is Searched.FULL:
                    searched_at_us = frame.captured_at_us
                self.board.report("search", None)
        self._done_id = frame.frame_id
        return Detected(frame, request_id, detection, hints, searched_at_us, asked, monotonic())

    async def _search(self) -> None:
        """Look for new faces, beside the frames whose faces are known."""
        frame = await self._to_search.take()
        async with self._parts.share.full:
            deadline = Deadline.after(self._parts.search_timeout_s)
            await self._faces.anew(self._to_search.newer_than(frame), new_request_id(), deadline, self._whole_only)

    async def _infer(self) -> None:
        detected = await self._to_infer.take()
        began = monotonic()
        scores = await self._scores(detected.detection)
        seen = self._tracked.follow(detected, scores, (monotonic() - began) * 1e3, self.drops)
        self.board.publish(seen)
        self._parts.metrics.result(seen.frame.age_ms() / 1e3)

    async def _scores(self, detection: Detection) -> EmotionScores | None:
        if not detection.faces:
            return None
        pixels = np.stack([face.pixels for face in detection.faces])
        return await self._parts.pipeline.model.infer(pixels, self._step_end())

    def _step_end(self) -> Deadline:
        """Return when a step that begins now must be done: sooner than a request, for viewers to hear of a stall."""
        return Deadline.after(self._parts.step_timeout_s)

    def _hints(self, frame: Frame) -> tuple[Box, ...]:
        return self._faces.hints(self._tracked.expected(frame))

    def _count_detect_drop(self) -> None:
        self._detect_drops += 1
        self._parts.metrics.drop("detect")

    def _count_infer_drop(self) -> None:
        self._infer_drops += 1
        self._parts.metrics.drop("infer")
