"""What OpenCV is told through the environment, since it can be told no other way."""

import io
import math
import os
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

from services.capture.redaction import host_of

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


def silence_native_output() -> None:
    """Send descriptors 1 and 2, which FFmpeg, OpenCV, libjpeg and drivers print to, nowhere.

    Python's own ``sys.stdout`` and ``sys.stderr`` go on where they went. To be called once, before other threads run.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            kept = os.dup(descriptor)
            # Not closed with the object: it serves to the very end.
            copy = open(kept, "w", encoding=stream.encoding, errors=stream.errors, buffering=1, closefd=False)  # noqa: SIM115
            setattr(sys, name, copy)
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


TLS_SCHEMES = ("https://", "rtsps://")

_USUAL_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine, the BSDs
)


def system_ca_file() -> Path | None:
    """Return the file with the certificates that this machine trusts; None where it has none."""
    paths = ssl.get_default_verify_paths()
    candidates = (paths.cafile, paths.openssl_cafile, *_USUAL_BUNDLES)
    return next((Path(path) for path in candidates if path and Path(path).is_file()), None)


def names_no_host(url: str) -> bool:
    """Tell whether the host of a URL with TLS is an address: FFmpeg doesn't compare those with the certificate.

    Any certificate of a public authority would do then, whoever it was issued to.
    """
    if not url.startswith(TLS_SCHEMES):
        return False
    try:
        # As FFmpeg does, so that forms such as 127.1 and 0x7f000001 count too.
        socket.getaddrinfo(host_of(url), None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False
    return True
