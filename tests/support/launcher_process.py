"""``python -m launcher`` on free ports, and its child processes."""

import uuid
from pathlib import Path

import psutil

from launcher.ports import free_ports
from tests.support.processes import ModuleProcess

MARK = "LAUNCHER_TEST_MARK"


class Launch(ModuleProcess):
    """A launcher on free ports; its child processes have a marker variable in their environment."""

    def __init__(self, log: Path, **settings: str) -> None:
        self.mark = uuid.uuid4().hex
        self.gateway_port, detector_port, capture_port, rest_port = free_ports(4)
        super().__init__(
            "launcher",
            log,
            {
                MARK: self.mark,
                "EMOTION_GATEWAY_PORT": str(self.gateway_port),
                "EMOTION_DETECTOR_PORT": str(detector_port),
                "EMOTION_CAPTURE_PORT": str(capture_port),
                "EMOTION_LAUNCHER_SERVING_REST_PORT": str(rest_port),
                "EMOTION_LAUNCHER_CAMERA": "demo",
                **settings,
            },
        )

    def __exit__(self, *_: object) -> None:
        self.terminate()  # a killed launcher would leave its child processes running

    def processes(self) -> list[psutil.Process]:
        """Return the child processes."""
        return [psutil.Process(int(one.name)) for one in Path("/proc").iterdir() if _has_mark(one, self.mark)]

    def still_running(self) -> list[str]:
        """Return the command lines of the running child processes."""
        return [_command(process) for process in Path("/proc").iterdir() if _has_mark(process, self.mark)]


def _has_mark(process: Path, mark: str) -> bool:
    try:
        return process.name.isdecimal() and f"{MARK}={mark}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
