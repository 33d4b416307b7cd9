"""Whose certificates cameras with ``https://`` and ``rtsps://`` may have."""

import socket
import ssl
from pathlib import Path

from services.capture.public_text import host_of

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
