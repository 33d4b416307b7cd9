from collections.abc import Mapping
from pathlib import Path

import pytest

from services.capture.opencv_environment import FFMPEG_OPTIONS, opencv_environment


def environment(
    platform: str = "linux", stall_s: float = 5, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    return opencv_environment(inherited or {}, platform, stall_s, Path("/etc/ca.pem"))


def test_hardware_transforms_are_disabled_on_windows_only() -> None:
    name = "OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS"
    assert environment("win32")[name] == "0"
    assert name not in environment()


def test_opencv_and_ffmpeg_never_log() -> None:
    variables = environment(
        inherited={"OPENCV_LOG_LEVEL": "DEBUG", "OPENCV_FFMPEG_LOGLEVEL": "56", "OPENCV_FFMPEG_DEBUG": "1"}
    )
    assert variables["OPENCV_LOG_LEVEL"] == "SILENT"
    assert variables["OPENCV_FFMPEG_LOGLEVEL"] == "-8"
    assert variables["OPENCV_FFMPEG_DEBUG"] == "0"


def test_inherited_ffmpeg_options_take_precedence() -> None:
    assert "rtsp_transport;tcp" in environment()[FFMPEG_OPTIONS]
    options = environment(inherited={FFMPEG_OPTIONS: "rtsp_transport;udp|flags;low_delay"})[FFMPEG_OPTIONS].split("|")
    assert "rtsp_transport;udp" in options
    assert {"tls_verify;1", "ca_file;/etc/ca.pem"} <= set(options)
    assert any(option.startswith("format_whitelist;") for option in options)


def test_certificates_are_verified_unless_disabled() -> None:
    assert "tls_verify;1" in opencv_environment({}, "linux", 5, None)[FFMPEG_OPTIONS]
    options = opencv_environment({}, "linux", 5, Path("/etc/ca.pem"), tls_verify=False)[FFMPEG_OPTIONS]
    assert "tls_verify;0" in options
    assert "ca_file" not in options


@pytest.mark.parametrize(("stall_s", "select_s"), [(5, "4"), (30, "29"), (0.5, "1"), (1.5, "1")])
def test_v4l_timeout_is_shorter_than_the_stall_limit(stall_s: float, select_s: str) -> None:
    assert environment(stall_s=stall_s)["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] == select_s
