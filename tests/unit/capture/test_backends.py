from collections.abc import Mapping
from pathlib import Path

import cv2
import pytest

from services.capture.backends import backends_for, opening_parameters
from services.capture.certificates import names_no_host
from services.capture.opencv_environment import OPTIONS, opencv_environment
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
    assert "rtsp_transport;tcp" in environment()[OPTIONS]
    options = environment(inherited={OPTIONS: "rtsp_transport;udp|flags;low_delay"})[OPTIONS].split("|")
    assert "rtsp_transport;udp" in options
    assert {"tls_verify;1", "ca_file;/etc/ca.pem"} <= set(options)
    assert any(option.startswith("format_whitelist;") for option in options)


def test_certificates_are_checked_unless_that_is_switched_off() -> None:
    assert "tls_verify;1" in opencv_environment({}, "linux", 5, None)[OPTIONS]
    options = opencv_environment({}, "linux", 5, Path("/etc/ca.pem"), tls_verify=False)[OPTIONS]
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
    assert names_no_host(url) is is_address
