"""Gathers the cameras of a Linux machine; other systems lack what it imports."""

import fcntl
import grp
import os
import pwd
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from emotion_client.cli.doctor.facts import Device, Holder, PictureFormat

Ioctl = Callable[[int, bytearray], None]
"""Asks one question: a request's number, and its structure, which is filled in. Raises ``OSError`` for no answer."""

QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B
_CAPTURE, _HAS_DEVICE_CAPS = 0x1, 0x80000000
_BUFFER_TYPE_CAPTURE = 1
_DISCRETE = 1
_MOST = 256  # a driver that never says it is done

_Size = tuple[int, int]


def can_capture(ioctl: Ioctl) -> bool:
    """Tell whether a device gives pictures; webcams have another one, for metadata."""
    answer = bytearray(104)
    ioctl(QUERYCAP, answer)
    _, capabilities, of_this_node = struct.unpack_from("=III", answer, 80)
    return bool((of_this_node if capabilities & _HAS_DEVICE_CAPS else capabilities) & _CAPTURE)


def picture_formats(ioctl: Ioctl) -> tuple[PictureFormat, ...]:
    """Return the formats that a device offers, each with its largest size and the most of them a second."""
    return tuple(_format(ioctl, fourcc) for fourcc in _fourccs(ioctl))


def _format(ioctl: Ioctl, fourcc: int) -> PictureFormat:
    width, height = max(_sizes(ioctl, fourcc), key=lambda size: size[0] * size[1], default=(0, 0))
    fps = max(_rates(ioctl, fourcc, (width, height)), default=None)
    code = struct.pack("=I", fourcc & 0x7FFFFFFF).decode("ascii", "replace").strip()
    return PictureFormat(code, width, height, fps)


def _fourccs(ioctl: Ioctl) -> Iterator[int]:
    for answer in _all(ioctl, ENUM_FMT, lambda index: struct.pack("=II", index, _BUFFER_TYPE_CAPTURE), 64):
        yield struct.unpack_from("=I", answer, 44)[0]


def _sizes(ioctl: Ioctl, fourcc: int) -> Iterator[_Size]:
    for answer in _all(ioctl, ENUM_FRAMESIZES, lambda index: struct.pack("=II", index, fourcc), 44):
        kind, first, second, _, _, fifth = struct.unpack_from("=6I", answer, 8)
        yield (first, second) if kind == _DISCRETE else (second, fifth)
        if kind != _DISCRETE:
            return  # a range is told in one answer


def _rates(ioctl: Ioctl, fourcc: int, size: _Size) -> Iterator[float]:
    for answer in _all(ioctl, ENUM_FRAMEINTERVALS, lambda index: struct.pack("=4I", index, fourcc, *size), 52):
        kind, seconds, parts = struct.unpack_from("=3I", answer, 16)
        if seconds:
            yield round(parts / seconds, 2)  # of a range, the shortest interval comes first
        if kind != _DISCRETE:
            return


def _all(ioctl: Ioctl, request: int, question: Callable[[int], bytes], length: int) -> Iterator[bytearray]:
    for index in range(_MOST):
        answer = bytearray(question(index).ljust(length, b"\0"))
        try:
            ioctl(request, answer)
        except OSError:
            return
        yield answer


_NAMES = Path("/sys/class/video4linux")
_MODULE = re.compile(r"[A-Za-z_][\w.]{0,60}")
_MAX_COMMAND = 1000


def linux_devices() -> tuple[Device, ...]:
    """Return the cameras."""
    nodes = sorted(Path("/dev").glob("video*"), key=lambda node: (len(node.name), node.name))
    return tuple(device for node in nodes if (device := _device(node)) is not None)


def joined_groups() -> frozenset[str]:
    """Return the groups that the user is in, and this process isn't."""
    user = pwd.getpwuid(os.getuid()).pw_name
    of_process = {os.getegid(), *os.getgroups()}
    return frozenset(
        entry.gr_name for entry in grp.getgrall() if user in entry.gr_mem and entry.gr_gid not in of_process
    )


def _device(node: Path) -> Device | None:
    try:
        opened = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    except PermissionError:
        # A webcam's node for metadata has a number of its own, and isn't a camera.
        is_camera = _told(node, "index") in ("0", "")
        return Device(_name(node), str(node), allowed=False, group=_group(node)) if is_camera else None
    except OSError:
        return None

    def ioctl(request: int, answer: bytearray) -> None:
        fcntl.ioctl(opened, request, answer)

    try:
        if not can_capture(ioctl):
            return None
        formats = picture_formats(ioctl)
    except OSError:
        return None
    finally:
        os.close(opened)
    return Device(_name(node), str(node), group=_group(node), holders=_holders(node), formats=formats)


def _name(node: Path) -> str:
    return _told(node, "name") or node.name


def _told(node: Path, what: str) -> str:
    try:
        return (_NAMES / node.name / what).read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""


def _group(node: Path) -> str:
    number = node.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _holders(node: Path) -> tuple[Holder, ...]:
    """Return who has it open, among the processes that this user may look at."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(Holder(pid, _command(pid)) for pid in sorted(pids) if pid != os.getpid() and _holds(pid, node))


def _holds(pid: int, node: Path) -> bool:
    try:
        return any(os.readlink(link) == str(node) for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()[:_MAX_COMMAND].decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    return command_name(arguments)


def command_name(arguments: Sequence[str]) -> str:
    """Return a program's name, and its module where it is Python's; other arguments may be passwords."""
    name = os.path.basename(arguments[0]) if arguments else ""
    is_module = len(arguments) > 2 and arguments[1] == "-m" and _MODULE.fullmatch(arguments[2])
    return f"{name} -m {arguments[2]}" if is_module else name
