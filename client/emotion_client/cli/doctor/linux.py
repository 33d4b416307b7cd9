"""Lists the cameras of a Linux machine through V4L2, without OpenCV. It imports modules that other systems lack.

Request numbers and structures: ``include/uapi/linux/videodev2.h`` of the Linux kernel.
"""

import fcntl
import grp
import os
import pwd
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from emotion_client.cli.doctor.facts import CaptureFormat, Device, Holder

Ioctl = Callable[[int, bytearray], None]
"""Calls ``ioctl`` with a request number and a structure that the driver fills in; raises ``OSError``."""

QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B
_CAPTURE, _HAS_DEVICE_CAPS = 0x1, 0x80000000
_BUFFER_TYPE_CAPTURE = 1
_DISCRETE = 1
_MAX_ENTRIES = 256  # some driver may never end its list

_Size = tuple[int, int]


def can_capture(ioctl: Ioctl) -> bool:
    """Return whether a device node delivers frames; webcams also have a node for metadata."""
    reply = bytearray(104)
    ioctl(QUERYCAP, reply)
    _, capabilities, device_caps = struct.unpack_from("=III", reply, 80)
    return bool((device_caps if capabilities & _HAS_DEVICE_CAPS else capabilities) & _CAPTURE)


def capture_formats(ioctl: Ioctl) -> tuple[CaptureFormat, ...]:
    """Return the formats that a device offers, each with its largest size and highest frame rate."""
    return tuple(_format(ioctl, fourcc) for fourcc in _fourccs(ioctl))


def _format(ioctl: Ioctl, fourcc: int) -> CaptureFormat:
    width, height = max(_sizes(ioctl, fourcc), key=lambda size: size[0] * size[1], default=(0, 0))
    fps = max(_rates(ioctl, fourcc, (width, height)), default=None)
    code = struct.pack("=I", fourcc & 0x7FFFFFFF).decode("ascii", "replace").strip()
    return CaptureFormat(code, width, height, fps)


def _fourccs(ioctl: Ioctl) -> Iterator[int]:
    for reply in _enumerate(ioctl, ENUM_FMT, lambda index: struct.pack("=II", index, _BUFFER_TYPE_CAPTURE), 64):
        yield struct.unpack_from("=I", reply, 44)[0]


def _sizes(ioctl: Ioctl, fourcc: int) -> Iterator[_Size]:
    for reply in _enumerate(ioctl, ENUM_FRAMESIZES, lambda index: struct.pack("=II", index, fourcc), 44):
        kind, first, second, _, _, fifth = struct.unpack_from("=6I", reply, 8)
        yield (first, second) if kind == _DISCRETE else (second, fifth)
        if kind != _DISCRETE:
            return  # a range is a single entry


def _rates(ioctl: Ioctl, fourcc: int, size: _Size) -> Iterator[float]:
    for reply in _enumerate(ioctl, ENUM_FRAMEINTERVALS, lambda index: struct.pack("=4I", index, fourcc, *size), 52):
        kind, seconds, parts = struct.unpack_from("=3I", reply, 16)
        if seconds:
            yield round(parts / seconds, 2)  # a range starts with its shortest interval
        if kind != _DISCRETE:
            return


def _enumerate(ioctl: Ioctl, request: int, query: Callable[[int], bytes], length: int) -> Iterator[bytearray]:
    for index in range(_MAX_ENTRIES):
        reply = bytearray(query(index).ljust(length, b"\0"))
        try:
            ioctl(request, reply)
        except OSError:
            return
        yield reply


_SYSFS = Path("/sys/class/video4linux")
_MODULE = re.compile(r"[A-Za-z_][\w.]{0,60}")
_MAX_COMMAND_BYTES = 1000


def linux_devices() -> tuple[Device, ...]:
    """Return the cameras of this machine."""
    nodes = sorted(Path("/dev").glob("video*"), key=lambda node: (len(node.name), node.name))
    return tuple(device for node in nodes if (device := _device(node)) is not None)


def pending_groups() -> frozenset[str]:
    """Return the groups of the user that this process doesn't have."""
    user = pwd.getpwuid(os.getuid()).pw_name
    process_groups = {os.getegid(), *os.getgroups()}
    return frozenset(
        entry.gr_name for entry in grp.getgrall() if user in entry.gr_mem and entry.gr_gid not in process_groups
    )


def _device(node: Path) -> Device | None:
    try:
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    except PermissionError:
        # The metadata node of a webcam has another index.
        is_camera = _sysfs_value(node, "index") in ("0", "")
        return Device(_name(node), str(node), allowed=False, group=_group(node)) if is_camera else None
    except OSError:
        return None

    def ioctl(request: int, structure: bytearray) -> None:
        fcntl.ioctl(descriptor, request, structure)

    try:
        if not can_capture(ioctl):
            return None
        formats = capture_formats(ioctl)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return Device(_name(node), str(node), group=_group(node), holders=_holders(node), formats=formats)


def _name(node: Path) -> str:
    return _sysfs_value(node, "name") or node.name


def _sysfs_value(node: Path, attribute: str) -> str:
    try:
        return (_SYSFS / node.name / attribute).read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""


def _group(node: Path) -> str:
    number = node.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _holders(node: Path) -> tuple[Holder, ...]:
    """Return the processes that have a device open, as far as this user can see them."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(Holder(pid, _command(pid)) for pid in sorted(pids) if pid != os.getpid() and _has_open(pid, node))


def _has_open(pid: int, node: Path) -> bool:
    try:
        return any(os.readlink(link) == str(node) for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        content = Path(f"/proc/{pid}/cmdline").read_bytes()[:_MAX_COMMAND_BYTES]
    except OSError:
        return ""
    return command_name(content.decode("utf-8", "replace").split("\0"))


def command_name(arguments: Sequence[str]) -> str:
    """Return a program's name and, for Python, its module; other arguments may be passwords."""
    name = os.path.basename(arguments[0]) if arguments else ""
    is_module = len(arguments) > 2 and arguments[1] == "-m" and _MODULE.fullmatch(arguments[2])
    return f"{name} -m {arguments[2]}" if is_module else name
