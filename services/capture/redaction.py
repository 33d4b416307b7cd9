"""Redacts sources and errors for logs and statuses. Only parts that are known to hold no secret are kept."""

import re
from pathlib import PurePosixPath, PureWindowsPath

MAX_TEXT_CHARACTERS = 500
"""Longest text in a camera's status that readers accept."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://")
_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]{2,45}\])"
_HOST_AND_PORT = re.compile(_HOST + r"(?P<port>:[0-9]{1,5})?")
_DEVICE = re.compile(r"/dev/(?:video[0-9]{1,3}|v4l/by-(?:id|path)/[A-Za-z0-9_:+-][A-Za-z0-9._:+-]{0,150})")
_VIDEO_FILE = re.compile(
    r"[\w (),+-][\w .(),+-]{0,90}\.(?:3gp|avi|m4v|mjpe?g|mkv|mov|mp4|mpe?g|m?ts|ogv|webm|wmv)", re.IGNORECASE
)


def redact_url(url: str) -> str:
    """Return the scheme, the host and the port of a URL, then ``/…`` if it has more: ``rtsp://host:554/…``.

    If host and port are ambiguous, only the scheme is returned: ``rtsp://…``. An example is an ``@`` or a backslash
    after them, which may end a password that isn't percent-encoded.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        return "…"
    prefix = f"{scheme[1].lower()}://"
    authority, rest = _split(url[scheme.end() :])
    host_and_port = _HOST_AND_PORT.fullmatch(authority.rpartition("@")[2])
    if host_and_port is None or any(mark in rest for mark in "@\\"):
        return f"{prefix}…"
    if host_and_port["port"] and not 0 < int(host_and_port["port"][1:]) < 65536:
        return f"{prefix}…"
    return prefix + host_and_port[0] + ("/…" if rest.strip("/") else "")


def url_host(url: str) -> str:
    """Return the host that FFmpeg connects to, without brackets; an empty string if it is ambiguous."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        return ""
    host_and_port = _HOST_AND_PORT.fullmatch(_split(url[scheme.end() :])[0].rpartition("@")[2])
    return host_and_port["host"].strip("[]") if host_and_port else ""


def url_credentials(url: str) -> tuple[str, ...]:
    """Return the user and the password of a URL as they are written, without those that are missing."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        return ()
    # An @ in a path may end a password that holds an unencoded slash.
    user, _, password = url[scheme.end() :].rpartition("@")[0].partition(":")
    return tuple(part for part in (user, password) if part)


def redact_device(path: str) -> str:
    """Return the path of a camera's device, or ``device`` for any other path below ``/dev``."""
    return path if _DEVICE.fullmatch(path) else "device"


def redact_path(path: str) -> str:
    """Return the last part of a path if it looks like the name of a video file, or else ``file``."""
    name = PurePosixPath(PureWindowsPath(path).as_posix()).name
    return name if _VIDEO_FILE.fullmatch(name) else "file"


def truncate(text: str) -> str:
    """Return at most ``MAX_TEXT_CHARACTERS`` characters of a text; unprintable ones are replaced."""
    printable = "".join(char if char.isprintable() else "�" for char in text[: MAX_TEXT_CHARACTERS + 1])
    return printable if len(printable) <= MAX_TEXT_CHARACTERS else f"{printable[: MAX_TEXT_CHARACTERS - 1]}…"


def describe_unexpected(error: BaseException) -> str:
    """Describe an unexpected exception by its type and its line. The message is left out, since it may repeat
    a source.
    """
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return f"unexpected {type(error).__name__}"
    file_name = PurePosixPath(traceback.tb_frame.f_code.co_filename).name
    return f"unexpected {type(error).__name__} at {file_name}:{traceback.tb_lineno}"


def _split(rest: str) -> tuple[str, str]:
    """Return the authority of a URL as FFmpeg parses it, and everything after it."""
    end = re.search(r"[/?#]", rest)
    return (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
