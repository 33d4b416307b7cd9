"""honcho's process manager with an ordered stop, and its printer with control characters escaped."""

import os
import signal
import sys
from types import FrameType

from honcho.manager import Manager
from honcho.printer import Message, Printer

from services.contracts.text import escape_controls

LAST_STOPPED = "redis"
"""The process that the others need until they have stopped."""


class PrintablePrinter(Printer):
    """Prints the services' lines with control characters escaped, since they repeat input of cameras and clients."""

    def write(self, message: Message) -> None:
        """Print the lines of a message."""
        data = message.data
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        for line in text.rstrip("\r\n").split("\n"):
            super().write(message._replace(data=escape_controls(line.rstrip("\r"))))


class OrderedManager(Manager):
    """Stops Redis last, and never before all processes have started.

    honcho doesn't know a process before its start, so an early stop would leave it running.
    """

    def __init__(self) -> None:
        super().__init__(PrintablePrinter(sys.stdout))
        self._stop_requested = False

    def loop(self) -> None:
        """Run until a process ends or a signal arrives; a closed terminal stops all processes too."""
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, _as_sigterm)
        super().loop()

    def terminate(self) -> None:
        """Stop every process."""
        self._stop_requested = True
        if self._all_started():
            super().terminate()

    def _system_print(self, data: str) -> None:
        """Print honcho's own line. honcho calls this whenever a process has started or stopped."""
        super()._system_print(data)
        if self._stop_requested and self._all_started():
            super().terminate()
            if all("returncode" in process for name, process in self._processes.items() if name != LAST_STOPPED):
                self._stop(LAST_STOPPED)

    def _killall(self, force: bool = False) -> None:
        if force:
            super()._killall(force=True)
            return
        for name in self._processes:
            if name != LAST_STOPPED:
                self._stop(name)

    def _stop(self, name: str) -> None:
        process = self._processes[name]
        if "returncode" not in process:
            self._procmgr.terminate(process["pid"])


def _as_sigterm(_signal: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
