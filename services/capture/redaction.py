"""What is shown of a source. It is an allow-list: what isn't known to be harmless is left out."""

import re
from pathlib import PurePosixPath, PureWindowsPath

MAX_TEXT = 500
"""Most characters of a text that is shown, as readers of a camera's status expect."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://")
_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]{2,45}\])"
_HOST_AND_PORT = re.compile(_HOST + r"(?P<port>:[0-9]{1,5})?")
_DEVICE = re.compile(r"/dev/(?:video[0-9]{1,3}|v4l/by-(?:id|path)/[A-Za-z0-9_:+-][A-Za-z0-9._:+-]{0,150})")
_VIDEO_FILE = re.compile(
    r"[\w (),+-][\w .(),+-]{0,90}\.(?:3gp|avi|m4v|mjpe?g|mkv|mov|mp4|mpe?g|m?ts|ogv|webm|wmv)", re.IGNORECASE
)


def public_address(url: str) -> str:
    """Return the scheme, the host and the port of a URL, then ``/…`` if it has more: ``rtsp://host:554/…``.

    Where host and port can't be told for certain, as with an ``@`` or a backslash behind them, which may be the end of
    a password that isn't percent-encoded, only the scheme is returned: ``rtsp://…``.
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


def host_of(url: str) -> str:
    """Return the host that FFmpeg connects to, without brackets; an empty string where it can't be told."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        return ""
    host_and_port = _HOST_AND_PORT.fullmatch(_split(url[scheme.end() :])[0].rpartition("@")[2])
    return host_and_port["host"].strip("[]") if host_and_port else ""


def user_info(url: str) -> tuple[str, ...]:
    """Return the user and the password of a URL as they are written; nothing where it has none."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        return ()
    # An @ in a path may end a password that holds an unencoded slash.
    user, _, password = url[scheme.end() :].rpartition("@")[0].partition(":")
    return tuple(part for part in (user, password) if part)


def public_device(path: str) -> str:
    """Return the path of a camera's device; ``device`` for any other below ``/dev``."""
    return path if _DEVICE.fullmatch(path) else "device"


def public_file_name(path: str) -> str:
    """Return the last part of a path if it looks like a video's name, else ``file``."""
    name = PurePosixPath(PureWindowsPath(path).as_posix()).name
    return name if _VIDEO_FILE.fullmatch(name) else "file"


def shortened(text: str) -> str:
    """Return a text with at most ``MAX_TEXT`` characters, all of them printable."""
    printable = "".join(letter if letter.isprintable() else "�" for letter in text[: MAX_TEXT + 1])
    return printable if len(printable) <= MAX_TEXT else f"{printable[: MAX_TEXT - 1]}…"


def unexpected(error: BaseException) -> str:
    """Return a sentence about an exception that wasn't foreseen: its type and place, and nothing of its own text."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" at {PurePosixPath(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
    return f"unexpected {type(error).__name__}{place}"


def _split(rest: str) -> tuple[str, str]:
    """Return the authority of a URL, as FFmpeg finds it, and all that follows."""
    end = re.search(r"[/?#]", rest)
    return (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
