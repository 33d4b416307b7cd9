import cv2
import numpy as np
import pytest

from services.capture.sources.base import SourceEndedError, SourceError
from services.capture.sources.opencv import MjpegSource, OpenCvSource, backends_for, opening_parameters
from services.capture.sources.spec import SourceKind
from tests.support.clock import FakeClock
from tests.unit.capture.sources.fake_capture import JPEG, PIXELS, Data, FakeCapture

NOISE: Data = np.zeros((1, 9), np.uint8)


def test_single_broken_frames_are_skipped() -> None:
    source = MjpegSource(FakeCapture(raw=[], pixels=[NOISE, NOISE, JPEG]), FakeClock(), (64, 48))
    assert source.read().picture == JPEG.tobytes()
    decoding = OpenCvSource(FakeCapture(raw=[], pixels=[NOISE, PIXELS]), FakeClock(), ends=False)
    assert decoding.read().width == 64


def test_many_broken_frames_in_a_row_are_an_error() -> None:
    with pytest.raises(SourceError, match="can't be decoded"):
        OpenCvSource(FakeCapture(raw=[], pixels=[NOISE] * 99), FakeClock(), ends=False).read()


def test_picture_of_more_than_40_megapixels_is_an_error() -> None:
    huge = np.broadcast_to(np.zeros((1, 1, 1), np.uint8), (6000, 7000, 3))  # takes no memory
    with pytest.raises(SourceError, match="40 megapixels"):
        OpenCvSource(FakeCapture(raw=[], pixels=[huge]), FakeClock(), ends=False).read()


def test_webcam_that_stops_delivering_jpeg_is_an_error() -> None:
    source = MjpegSource(FakeCapture(raw=[], pixels=[NOISE] * 99), FakeClock(), (64, 48))
    with pytest.raises(SourceError, match="no longer delivers JPEG"):
        source.read()


def test_frame_has_its_own_size_and_times() -> None:
    source = OpenCvSource(FakeCapture(raw=[], pixels=[PIXELS]), FakeClock(), ends=False, wall_clock=lambda: 17)
    frame = source.read()
    assert frame.captured_at_us == 17
    assert (frame.width, frame.height) == (64, 48)


def test_missing_frame_is_the_end_of_a_file_and_a_failure_of_a_camera() -> None:
    with pytest.raises(SourceEndedError):
        OpenCvSource(FakeCapture(raw=[]), FakeClock(), ends=True).read()
    with pytest.raises(SourceError, match="stopped delivering frames"):
        OpenCvSource(FakeCapture(raw=[]), FakeClock(), ends=False).read()


def test_closing_releases_the_capture() -> None:
    capture = FakeCapture(raw=[])
    OpenCvSource(capture, FakeClock(), ends=False).close()
    assert capture.released


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", (cv2.CAP_V4L2,)),
        ("darwin", (cv2.CAP_AVFOUNDATION,)),
        ("win32", (cv2.CAP_DSHOW, cv2.CAP_MSMF)),
        ("freebsd14", (cv2.CAP_ANY,)),
    ],
)
def test_webcams_use_the_backend_of_the_platform(platform: str, expected: tuple[int, ...]) -> None:
    assert backends_for(SourceKind.WEBCAM, platform) == expected
    assert backends_for(SourceKind.DEVICE, platform) == expected


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_streams_and_files_use_ffmpeg_on_every_platform(platform: str) -> None:
    assert backends_for(SourceKind.STREAM, platform) == (cv2.CAP_FFMPEG,)
    assert backends_for(SourceKind.FILE, platform) == (cv2.CAP_FFMPEG,)


def test_streams_are_opened_and_read_with_a_timeout() -> None:
    flat = opening_parameters(SourceKind.STREAM, open_s=15, stall_s=2.5)
    parameters = dict(zip(flat[::2], flat[1::2], strict=True))
    assert parameters[cv2.CAP_PROP_OPEN_TIMEOUT_MSEC] == 15_000
    assert parameters[cv2.CAP_PROP_READ_TIMEOUT_MSEC] == 2_500
    assert opening_parameters(SourceKind.FILE, open_s=15, stall_s=5) == []
