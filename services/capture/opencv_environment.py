"""What OpenCV is told through the environment, since it can be told no other way."""

import math


def opencv_environment(platform: str, stall_s: float) -> dict[str, str]:
    """Return the variables that OpenCV should find when it is imported.

    Args:
        platform: As ``sys.platform`` names it.
        stall_s: Seconds without a frame after which a source is given up.
    """
    variables = {
        # Over UDP a lost packet smears the picture for seconds. What OpenCV buffered we read away at once.
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp|flags;low_delay",
        # Both print URLs, passwords included; our own messages say what failed.
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENCV_FFMPEG_LOGLEVEL": "-8",
        # An unplugged webcam is noticed before the stall is, so that its device is let go of.
        "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": str(max(1, math.ceil(stall_s) - 1)),
    }
    if platform == "win32":
        # Else Media Foundation takes up to a minute to open a webcam.
        variables["OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS"] = "0"
    return variables
