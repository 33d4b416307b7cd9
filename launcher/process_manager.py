"""honcho's manager, mended where being told to stop early would leave processes behind."""

import os
import signal
import sys
from types import FrameType

from honcho.manager import Manager
from honcho.printer import Message, Printer

from services.contracts.text import printable


class PrintablePrinter(Printer):
    """honcho's printer, with control characters escaped."""

    def write(self, message: Message) -> None:
        """Print the lines of a message."""
        data = message.data
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        for line in text.rstrip("\r\n").split("\n"):
            super().write(message._replace(data=printable(line.rstrip("\r"))))


STOPPED_LAST = "redis"
"""What the others need until they have stopped."""


class OrderlyManager(Manager):
    """Stops once everything has started, since before that honcho doesn't know whom to stop; Redis goes last."""

    def __init__(self) -> None:
        super().__init__(PrintablePrinter(sys.stdout))
        self._stop_asked = False

    def loop(self) -> None:
        """Run until a process ends or a signal comes; a closed terminal stops everything too."""
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, _as_sigterm)
        super().loop()

    def terminate(self) -> None:
        """Stop every process."""
        self._stop_asked = True
        if self._all_started():
            super().terminate()

    def _system_print(self, data: str) -> None:
        """Print honcho's own line, which it does whenever a process has started or stopped."""
        super()._system_print(data)
        if self._stop_asked and self._all_started():
            super().terminate()
            if all("returncode" in process for name, process in self._processes.items() if name != STOPPED_LAST):
                self._stop(STOPPED_LAST)

    def _killall(self, force: bool = False) -> None:
        if force:
            super()._killall(force=True)
            return
        for name in self._processes:
            if name != STOPPED_LAST:
                self._stop(name)

    def _stop(self, name: str) -> None:
        process = self._processes[name]
        if "returncode" not in process:
            self._procmgr.terminate(process["pid"])


def _as_sigterm(_signal: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
