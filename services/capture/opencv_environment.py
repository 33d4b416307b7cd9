"""What OpenCV is told through the environment, since it can be told no other way."""

import math
from collections.abc import Mapping
from pathlib import Path

OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"

FORMATS = (
    "rtsp,mpjpeg,mjpeg,jpeg_pipe,mpegts,mpegtsraw,matroska,webm,mov,mp4,avi,flv,h264,hevc,obu,ivf,mpeg,mpegvideo,"
    "m4v,asf,ogg,mxf,gif,yuv4mpegpipe"
)
"""Formats of FFmpeg's that are read. Playlists (HLS, DASH, concat) aren't among them: what they name is fetched without
a check of certificates, from wherever the camera says."""


def opencv_environment(
    inherited: Mapping[str, str], platform: str, stall_s: float, ca_file: Path | None, tls_verify: bool = True
) -> dict[str, str]:
    """Return the variables that OpenCV must find when it is imported.

    Args:
        inherited: The environment as it is; FFmpeg's options in it go before ours.
        platform: As ``sys.platform`` names it.
        stall_s: Seconds without a frame after which a source is given up.
        ca_file: The certificates that cameras' certificates are checked against; none are trusted if None.
        tls_verify: Whether certificates are checked.
    """
    options = {
        # Over UDP a lost packet smears the picture for seconds. What OpenCV buffered we read away at once.
        "rtsp_transport": "tcp",
        "flags": "low_delay",
        "format_whitelist": FORMATS,
        "tls_verify": str(int(tls_verify)),
        **({"ca_file": str(ca_file)} if ca_file and tls_verify else {}),
        **_options(inherited.get(OPTIONS, "")),
    }
    variables = {
        OPTIONS: "|".join(f"{name};{value}" for name, value in options.items()),
        # Both print URLs, passwords included; our own messages say what failed.
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENCV_FFMPEG_LOGLEVEL": "-8",
        "OPENCV_FFMPEG_DEBUG": "0",
        # An unplugged webcam is noticed before the stall is, so that its device is let go of.
        "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": inherited.get(
            "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, math.ceil(stall_s) - 1))
        ),
    }
    if platform == "win32":
        # Else Media Foundation takes up to a minute to open a webcam.
        variables["OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS"] = inherited.get(
            "OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0"
        )
    return variables


def _options(text: str) -> dict[str, str]:
    """Read ``name;value|name;value``."""
    pairs = (option.partition(";") for option in text.split("|") if option)
    return {name: value for name, _, value in pairs}
