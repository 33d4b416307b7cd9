"""Which of OpenCV's backends opens a source, and with what parameters."""

import cv2

from services.capture.source_spec import SourceKind

_WEBCAM_BACKENDS = {
    "linux": (cv2.CAP_V4L2,),
    "darwin": (cv2.CAP_AVFOUNDATION,),
    "win32": (cv2.CAP_DSHOW, cv2.CAP_MSMF),
}


def backends_for(kind: SourceKind, platform: str) -> tuple[int, ...]:
    """Return the backends to try, the best first.

    Args:
        kind: Anything but the demo feed.
        platform: As ``sys.platform`` names it.
    """
    if kind in (SourceKind.STREAM, SourceKind.FILE):
        return (cv2.CAP_FFMPEG,)
    return _WEBCAM_BACKENDS.get(platform, (cv2.CAP_ANY,))


def opening_parameters(kind: SourceKind, open_s: float, stall_s: float) -> list[int]:
    """Return what must be said while opening, as OpenCV's flat list of names and values.

    Args:
        kind: Anything but the demo feed.
        open_s: Seconds that a stream may take to open.
        stall_s: Seconds that a stream may take for a frame.
    """
    if kind is not SourceKind.STREAM:
        return []
    return [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(open_s * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(stall_s * 1000)),
        # Several threads decode several frames at once, which holds each of them back.
        *(cv2.CAP_PROP_N_THREADS, 1),
    ]
