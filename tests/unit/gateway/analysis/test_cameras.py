"""Analyses of cameras' frames: kept for who asks next, without pictures, and not for ever."""

from dataclasses import replace

import pytest

from services.contracts.frames import FRAMES_TTL_S
from services.gateway.analysis.cameras import MAX_KEPT, CameraAnalyses
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.protocols import Deadline
from tests.support.gateway_fakes import FakeDetector, FakeModel, frame


async def test_what_is_kept_has_no_picture() -> None:
    detector = FakeDetector()
    analyses = CameraAnalyses(Pipeline(detector, FakeModel()))
    for _ in range(2):
        seen, _ = await analyses.now("cam0", frame(jpeg=b"picture"), "id", Deadline.after(5))
        assert seen.message.jpeg == b""
        assert seen.frame_id == frame().frame_id
    assert detector.images == [b"picture"], "the second took what was kept"


async def test_the_first_of_very_many_cameras_is_forgotten() -> None:
    detector = FakeDetector()
    analyses = CameraAnalyses(Pipeline(detector, FakeModel()))
    for number in range(MAX_KEPT + 1):
        await analyses.now(f"cam{number}", frame(), "id", Deadline.after(5))
    for camera, asked in ((f"cam{MAX_KEPT}", 0), ("cam1", 0), ("cam0", 1)):
        detector.images.clear()
        await analyses.now(camera, frame(), "id", Deadline.after(5))
        assert len(detector.images) == asked, camera


@pytest.mark.parametrize(("age_s", "asked"), [(0, 0), (2 * FRAMES_TTL_S, 1)])
async def test_an_analysis_older_than_frames_are_kept_goes_with_the_next(age_s: float, asked: int) -> None:
    detector = FakeDetector()
    analyses = CameraAnalyses(Pipeline(detector, FakeModel()))
    old = replace(frame(), read_at_s=frame().read_at_s - age_s)
    await analyses.now("cam0", old, "id", Deadline.after(5))
    await analyses.now("cam1", frame(), "id", Deadline.after(5))
    detector.images.clear()
    await analyses.now("cam0", old, "id", Deadline.after(5))
    assert len(detector.images) == asked
