import cv2
import pytest

from services.capture.backends import backends_for, opening_parameters
from services.capture.opencv_environment import opencv_environment
from services.capture.source_spec import SourceKind


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


def test_the_slow_start_of_media_foundation_is_off_on_windows_only() -> None:
    name = "OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS"
    assert opencv_environment("win32", 5)[name] == "0"
    assert name not in opencv_environment("linux", 5)


def test_rtsp_goes_over_tcp_and_opencv_prints_no_urls() -> None:
    variables = opencv_environment("linux", 5)
    assert "rtsp_transport;tcp" in variables["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
    assert variables["OPENCV_LOG_LEVEL"] == "SILENT"


@pytest.mark.parametrize(("stall_s", "select_s"), [(5, "4"), (30, "29"), (0.5, "1"), (1.5, "1")])
def test_an_unplugged_webcam_is_noticed_before_it_counts_as_stalled(stall_s: float, select_s: str) -> None:
    assert opencv_environment("linux", stall_s)["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] == select_s
