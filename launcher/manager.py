"""honcho's manager, mended where being told to stop early would leave processes behind."""

import os
import signal
from types import FrameType

from honcho.manager import Manager


class StartedManager(Manager):
    """Stops once everything has started: before that honcho doesn't know whom to stop."""

    def __init__(self) -> None:
        super().__init__()
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
        super()._system_print(data)
        if self._stop_asked and self._all_started():
            super().terminate()


def _as_sigterm(_signal: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
