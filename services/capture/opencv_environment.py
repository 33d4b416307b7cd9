"""Configures OpenCV through environment variables, which it reads at import, and silences native libraries."""

import io
import math
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

FFMPEG_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"

ALLOWED_FORMATS = (
    "rtsp,mpjpeg,mjpeg,jpeg_pipe,mpegts,mpegtsraw,matroska,webm,mov,mp4,avi,flv,h264,hevc,obu,ivf,mpeg,mpegvideo,"
    "m4v,asf,ogg,mxf,gif,yuv4mpegpipe"
)
"""FFmpeg's formats that are read. Playlists (HLS, DASH, concat) are left out: FFmpeg fetches their entries without
verifying certificates, from any address that the camera names."""

_CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine, the BSDs
)


def configure_opencv(stall_s: float, tls_ca_file: str, tls_verify: bool) -> None:
    """Set this process's environment for OpenCV. Call it before ``cv2`` is imported.

    Args:
        stall_s: Seconds without a frame after which a source is opened again.
        tls_ca_file: File of trusted certificates; the system's if empty.
        tls_verify: Whether certificates are verified.
    """
    ca_file = Path(tls_ca_file) if tls_ca_file else system_ca_file()
    os.environ.update(opencv_environment(os.environ, sys.platform, stall_s, ca_file, tls_verify))


def opencv_environment(
    inherited: Mapping[str, str], platform: str, stall_s: float, ca_file: Path | None, tls_verify: bool = True
) -> dict[str, str]:
    """Return the variables to set.

    Args:
        inherited: The current environment; FFmpeg options in it take precedence.
        platform: As in ``sys.platform``.
        stall_s: Seconds without a frame after which a source is opened again.
        ca_file: Certificates that cameras' certificates are verified against; None trusts no certificate.
        tls_verify: Whether certificates are verified.
    """
    options = {
        # Over UDP, a lost packet distorts the picture for seconds.
        "rtsp_transport": "tcp",
        "flags": "low_delay",
        "format_whitelist": ALLOWED_FORMATS,
        "tls_verify": str(int(tls_verify)),
        **({"ca_file": str(ca_file)} if ca_file and tls_verify else {}),
        **_parse_options(inherited.get(FFMPEG_OPTIONS, "")),
    }
    variables = {
        FFMPEG_OPTIONS: "|".join(f"{name};{value}" for name, value in options.items()),
        # OpenCV and FFmpeg log URLs with passwords; capture logs failures itself.
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENCV_FFMPEG_LOGLEVEL": "-8",
        "OPENCV_FFMPEG_DEBUG": "0",
        # Shorter than the stall limit, so that the device of an unplugged webcam is closed.
        "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": inherited.get(
            "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, math.ceil(stall_s) - 1))
        ),
    }
    if platform == "win32":
        # With hardware transforms, Media Foundation takes up to a minute to open a webcam.
        variables["OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS"] = inherited.get(
            "OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0"
        )
    return variables


def _parse_options(text: str) -> dict[str, str]:
    """Parse ``name;value|name;value``."""
    pairs = (option.partition(";") for option in text.split("|") if option)
    return {name: value for name, _, value in pairs}


def system_ca_file() -> Path | None:
    """Return the file of the certificates that this machine trusts, or None if there is none."""
    paths = ssl.get_default_verify_paths()
    candidates = (paths.cafile, paths.openssl_cafile, *_CA_BUNDLES)
    return next((Path(path) for path in candidates if path and Path(path).is_file()), None)


def silence_native_output() -> None:
    """Redirect file descriptors 1 and 2 to the null device; ``sys.stdout`` and ``sys.stderr`` keep working.

    FFmpeg, OpenCV, libjpeg and drivers print to these descriptors. Their output may contain passwords and isn't
    limited. Call this once, before other threads run.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            duplicate = os.dup(descriptor)
            # closefd=False: the descriptor stays open until the process ends.
            copy = open(duplicate, "w", encoding=stream.encoding, errors=stream.errors, buffering=1, closefd=False)  # noqa: SIM115
            setattr(sys, name, copy)
        os.dup2(null, descriptor)
    os.close(null)
