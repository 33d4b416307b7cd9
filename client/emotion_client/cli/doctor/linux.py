"""Gathers the cameras of a Linux machine; other systems lack what it imports."""

import fcntl
import grp
import os
import pwd
import re
from collections.abc import Sequence
from pathlib import Path

from emotion_client.cli.doctor.facts import Device, Holder
from emotion_client.cli.doctor.v4l2 import can_capture, picture_formats

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
