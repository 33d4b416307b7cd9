from pathlib import Path

import cv2
import numpy as np
import pytest

from services.capture.sources.base import SourceEndedError, SourceError
from services.capture.sources.factory import (
    CaptureOptions,
    LoopingSource,
    configure_webcam,
    diagnose_webcam,
    is_tls_address,
    source_factory,
)
from services.capture.sources.spec import parse_source
from tests.support.clock import FakeClock
from tests.unit.capture.fakes import FakeSource, make_frame
from tests.unit.capture.sources.fake_capture import JPEG, PIXELS, FakeCapture

OPTIONS = CaptureOptions(1280, 720, 30.0, mjpeg_passthrough=True)


def test_size_rate_motion_jpeg_and_a_small_buffer_are_requested() -> None:
    capture = FakeCapture(raw=[JPEG])
    configure_webcam(capture, OPTIONS, FakeClock())
    assert capture.properties[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert capture.properties[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert capture.properties[cv2.CAP_PROP_FPS] == 30.0
    assert capture.properties[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert capture.properties[cv2.CAP_PROP_BUFFERSIZE] <= 2


def test_jpegs_of_a_webcam_are_returned_unchanged() -> None:
    clock = FakeClock()
    source = configure_webcam(FakeCapture(raw=[JPEG, JPEG]), OPTIONS, clock)
    frame = source.read()
    assert frame.picture == JPEG.tobytes()
    assert (frame.width, frame.height) == (64, 48)
    assert frame.grabbed_at == clock.now_s


@pytest.mark.parametrize(
    "capture",
    [
        FakeCapture(raw=[np.zeros((48, 64, 2), np.uint8)], pixels=[PIXELS]),
        FakeCapture(raw=[np.frombuffer(b"\xff\xd8 cut short", np.uint8)], pixels=[PIXELS]),
        FakeCapture(raw=[], pixels=[PIXELS]),
        FakeCapture(raw=[], pixels=[PIXELS], raw_supported=False),
    ],
    ids=["yuyv", "broken-jpeg", "no-frame", "not-possible"],
)
def test_webcam_without_valid_jpegs_is_decoded(capture: FakeCapture) -> None:
    frame = configure_webcam(capture, OPTIONS, FakeClock()).read()
    assert np.array_equal(np.asarray(frame.picture), PIXELS)


def test_passthrough_can_be_disabled() -> None:
    capture = FakeCapture(raw=[JPEG], pixels=[PIXELS])
    source = configure_webcam(capture, CaptureOptions(1280, 720, 30.0, mjpeg_passthrough=False), FakeClock())
    assert not isinstance(source.read().picture, bytes)


def test_looping_source_starts_again_and_closes_the_old_file() -> None:
    opened: list[FakeSource] = []

    def open_again() -> FakeSource:
        opened.append(FakeSource(make_frame(1.0), make_frame(2.0), SourceEndedError()))
        return opened[-1]

    source = LoopingSource(open_again)
    assert [source.read().grabbed_at for _ in range(5)] == [1.0, 2.0, 1.0, 2.0, 1.0]
    assert [one.closed.is_set() for one in opened] == [True, True, False]
    source.close()
    assert opened[-1].closed.is_set()


def test_looping_over_an_empty_file_is_an_error() -> None:
    with pytest.raises(SourceError, match="no frames"):
        LoopingSource(lambda: FakeSource(SourceEndedError())).read()


def test_missing_file_and_invalid_video_are_errors(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a film")
    open_source = source_factory(OPTIONS, loop=True, clock=FakeClock())
    with pytest.raises(SourceError, match="file not found"):
        open_source(parse_source(str(tmp_path / "missing.avi")))
    with pytest.raises(SourceError, match="not a readable video"):
        open_source(parse_source(str(text)))


def test_diagnosis_of_a_webcam_that_does_not_open() -> None:
    assert "/dev/video77 does not exist" in diagnose_webcam(parse_source("77"), "linux")
    assert "another program" in diagnose_webcam(parse_source("/dev/null"), "linux")
    assert "this program may use it" in diagnose_webcam(parse_source("0"), "darwin")


@pytest.mark.parametrize(
    ("url", "is_address"),
    [
        ("https://192.0.2.7/x", True),
        ("https://user:pw@127.1:8443/x", True),
        ("rtsps://[2001:db8::7]/x", True),
        ("https://0x7f000001/x", True),
        ("https://cam.example.org/x", False),
        ("http://192.0.2.7/x", False),
    ],
)
def test_addresses_are_recognised_in_every_form(url: str, is_address: bool) -> None:
    assert is_tls_address(url) is is_address
