from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.capture.opencv_environment import FFMPEG_OPTIONS, opencv_environment
from services.capture.sources.base import SourceEndedError, SourceError
from services.capture.sources.factory import (
    CaptureOptions,
    LoopingSource,
    configure_webcam,
    diagnose_webcam,
    is_tls_address,
    source_factory,
)
from services.capture.sources.opencv import MjpegSource, OpenCvSource, backends_for, opening_parameters
from services.capture.sources.spec import SourceKind, parse_source
from tests.support.clock import FakeClock
from tests.unit.capture.fakes import FakeSource, make_frame

Data = NDArray[np.uint8]
OPTIONS = CaptureOptions(1280, 720, 30.0, mjpeg_passthrough=True)
PIXELS: Data = np.full((48, 64, 3), 90, np.uint8)
JPEG: Data = cv2.imencode(".jpg", PIXELS)[1].reshape(1, -1).astype(np.uint8)


class FakeCapture:
    """A webcam: ``raw`` is what it gives undecoded, ``pixels`` what it gives decoded."""

    def __init__(self, raw: Sequence[Data], pixels: Sequence[Data] = (), undecoded_possible: bool = True) -> None:
        self.properties: dict[int, float] = {}
        self.released = False
        self._raw = iter(raw)
        self._pixels = iter(pixels)
        self._undecoded_possible = undecoded_possible
        self._data: Data | None = None

    def set(self, prop: int, value: float, /) -> bool:
        self.properties[prop] = value
        return self._undecoded_possible or prop != cv2.CAP_PROP_CONVERT_RGB

    def grab(self) -> bool:
        undecoded = self._undecoded_possible and self.properties.get(cv2.CAP_PROP_CONVERT_RGB, 1) == 0
        self._data = next(self._raw if undecoded else self._pixels, None)
        return self._data is not None

    def retrieve(self) -> tuple[bool, Data | None]:
        return self._data is not None, self._data

    def release(self) -> None:
        self.released = True


def test_a_webcam_is_asked_for_size_rate_motion_jpeg_and_a_small_buffer() -> None:
    capture = FakeCapture(raw=[JPEG])
    configure_webcam(capture, OPTIONS, FakeClock())
    assert capture.properties[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert capture.properties[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert capture.properties[cv2.CAP_PROP_FPS] == 30.0
    assert capture.properties[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert capture.properties[cv2.CAP_PROP_BUFFERSIZE] <= 2


def test_a_webcams_own_jpegs_are_passed_on_byte_for_byte() -> None:
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
        FakeCapture(raw=[], pixels=[PIXELS], undecoded_possible=False),
    ],
    ids=["yuyv", "broken-jpeg", "no-frame", "not-possible"],
)
def test_a_webcam_without_valid_jpegs_is_decoded(capture: FakeCapture) -> None:
    frame = configure_webcam(capture, OPTIONS, FakeClock()).read()
    assert np.array_equal(np.asarray(frame.picture), PIXELS)


def test_passthrough_can_be_switched_off() -> None:
    capture = FakeCapture(raw=[JPEG], pixels=[PIXELS])
    source = configure_webcam(capture, CaptureOptions(1280, 720, 30.0, mjpeg_passthrough=False), FakeClock())
    assert not isinstance(source.read().picture, bytes)


NOISE: Data = np.zeros((1, 9), np.uint8)


def test_a_broken_frame_now_and_then_is_left_out() -> None:
    source = MjpegSource(FakeCapture(raw=[], pixels=[NOISE, NOISE, JPEG]), FakeClock(), (64, 48))
    assert source.read().picture == JPEG.tobytes()
    decoding = OpenCvSource(FakeCapture(raw=[], pixels=[NOISE, PIXELS]), FakeClock(), ends=False)
    assert decoding.read().width == 64


def test_frames_that_stay_broken_are_an_error() -> None:
    with pytest.raises(SourceError, match="can't be decoded"):
        OpenCvSource(FakeCapture(raw=[], pixels=[NOISE] * 99), FakeClock(), ends=False).read()


def test_a_picture_of_more_than_40_megapixels_is_an_error() -> None:
    huge = np.broadcast_to(np.zeros((1, 1, 1), np.uint8), (6000, 7000, 3))  # takes no memory
    with pytest.raises(SourceError, match="40 megapixels"):
        OpenCvSource(FakeCapture(raw=[], pixels=[huge]), FakeClock(), ends=False).read()


def test_a_webcam_that_stops_giving_jpeg_is_an_error() -> None:
    source = MjpegSource(FakeCapture(raw=[], pixels=[NOISE] * 99), FakeClock(), (64, 48))
    with pytest.raises(SourceError, match="no longer delivers JPEG"):
        source.read()


def test_a_frame_of_another_size_than_asked_keeps_its_own() -> None:
    source = OpenCvSource(FakeCapture(raw=[], pixels=[PIXELS]), FakeClock(), ends=False, wall_clock=lambda: 17)
    frame = source.read()
    assert frame.captured_at_us == 17
    assert (frame.width, frame.height) == (64, 48)


def test_no_frame_is_the_end_of_a_file_and_a_failure_of_a_camera() -> None:
    with pytest.raises(SourceEndedError):
        OpenCvSource(FakeCapture(raw=[]), FakeClock(), ends=True).read()
    with pytest.raises(SourceError, match="stopped delivering frames"):
        OpenCvSource(FakeCapture(raw=[]), FakeClock(), ends=False).read()


def test_closing_releases_the_capture() -> None:
    capture = FakeCapture(raw=[])
    OpenCvSource(capture, FakeClock(), ends=False).close()
    assert capture.released


def test_a_looping_source_starts_again_and_closes_what_ended() -> None:
    opened: list[FakeSource] = []

    def open_again() -> FakeSource:
        opened.append(FakeSource(make_frame(1.0), make_frame(2.0), SourceEndedError()))
        return opened[-1]

    source = LoopingSource(open_again)
    assert [source.read().grabbed_at for _ in range(5)] == [1.0, 2.0, 1.0, 2.0, 1.0]
    assert [one.closed.is_set() for one in opened] == [True, True, False]
    source.close()
    assert opened[-1].closed.is_set()


def test_looping_over_nothing_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises(SourceError, match="no frames"):
        LoopingSource(lambda: FakeSource(SourceEndedError())).read()


def test_a_file_that_is_missing_or_no_video_says_so(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a film")
    open_source = source_factory(OPTIONS, loop=True, clock=FakeClock())
    with pytest.raises(SourceError, match="file not found"):
        open_source(parse_source(str(tmp_path / "missing.avi")))
    with pytest.raises(SourceError, match="not a readable video"):
        open_source(parse_source(str(text)))


def test_a_webcam_that_does_not_open_says_what_is_likely() -> None:
    assert "/dev/video77 does not exist" in diagnose_webcam(parse_source("77"), "linux")
    assert "another program" in diagnose_webcam(parse_source("/dev/null"), "linux")
    assert "this program may use it" in diagnose_webcam(parse_source("0"), "darwin")


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", (cv2.CAP_V4L2,)),
        ("darwin", (cv2.CAP_AVFOUNDATION,)),
        ("win32", (cv2.CAP_DSHOW, cv2.CAP_MSMF)),
        ("freebsd14", (cv2.CAP_ANY,)),
    ],
)
def test_webcams_open_with_the_platforms_own_backend(platform: str, expected: tuple[int, ...]) -> None:
    assert backends_for(SourceKind.WEBCAM, platform) == expected
    assert backends_for(SourceKind.DEVICE, platform) == expected


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_streams_and_files_open_with_ffmpeg_everywhere(platform: str) -> None:
    assert backends_for(SourceKind.STREAM, platform) == (cv2.CAP_FFMPEG,)
    assert backends_for(SourceKind.FILE, platform) == (cv2.CAP_FFMPEG,)


def test_a_stream_is_opened_and_read_with_a_deadline() -> None:
    flat = opening_parameters(SourceKind.STREAM, open_s=15, stall_s=2.5)
    asked = dict(zip(flat[::2], flat[1::2], strict=True))
    assert asked[cv2.CAP_PROP_OPEN_TIMEOUT_MSEC] == 15_000
    assert asked[cv2.CAP_PROP_READ_TIMEOUT_MSEC] == 2_500
    assert opening_parameters(SourceKind.FILE, open_s=15, stall_s=5) == []


def environment(
    platform: str = "linux", stall_s: float = 5, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    return opencv_environment(inherited or {}, platform, stall_s, Path("/etc/ca.pem"))


def test_the_slow_start_of_media_foundation_is_off_on_windows_only() -> None:
    name = "OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS"
    assert environment("win32")[name] == "0"
    assert name not in environment()


def test_opencv_and_ffmpeg_print_no_urls_even_where_they_were_told_to() -> None:
    variables = environment(
        inherited={"OPENCV_LOG_LEVEL": "DEBUG", "OPENCV_FFMPEG_LOGLEVEL": "56", "OPENCV_FFMPEG_DEBUG": "1"}
    )
    assert variables["OPENCV_LOG_LEVEL"] == "SILENT"
    assert variables["OPENCV_FFMPEG_LOGLEVEL"] == "-8"
    assert variables["OPENCV_FFMPEG_DEBUG"] == "0"


def test_options_of_ffmpeg_that_are_set_are_taken_and_the_rest_stays() -> None:
    assert "rtsp_transport;tcp" in environment()[FFMPEG_OPTIONS]
    options = environment(inherited={FFMPEG_OPTIONS: "rtsp_transport;udp|flags;low_delay"})[FFMPEG_OPTIONS].split("|")
    assert "rtsp_transport;udp" in options
    assert {"tls_verify;1", "ca_file;/etc/ca.pem"} <= set(options)
    assert any(option.startswith("format_whitelist;") for option in options)


def test_certificates_are_checked_unless_that_is_switched_off() -> None:
    assert "tls_verify;1" in opencv_environment({}, "linux", 5, None)[FFMPEG_OPTIONS]
    options = opencv_environment({}, "linux", 5, Path("/etc/ca.pem"), tls_verify=False)[FFMPEG_OPTIONS]
    assert "tls_verify;0" in options
    assert "ca_file" not in options


@pytest.mark.parametrize(("stall_s", "select_s"), [(5, "4"), (30, "29"), (0.5, "1"), (1.5, "1")])
def test_an_unplugged_webcam_is_noticed_before_it_counts_as_stalled(stall_s: float, select_s: str) -> None:
    assert environment(stall_s=stall_s)["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] == select_s


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
def test_a_host_that_is_an_address_is_recognised_in_every_form(url: str, is_address: bool) -> None:
    assert is_tls_address(url) is is_address
