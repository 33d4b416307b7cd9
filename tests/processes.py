"""Runs parts of the system as processes of their own, as ``make run`` and a container would."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
PATIENCE_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ModuleProcess:
    """``python -m module arguments``, with no settings in its environment but those given."""

    def __init__(self, module: str, log: Path, settings: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
        self._log = log
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**clean, **settings},
                stdout=stream,
                stderr=stream,
            )

    def log(self) -> str:
        return self._log.read_text("utf-8", errors="replace")

    def wait_until_answers(self, url: str, status: int = 200) -> None:
        def answers() -> bool:
            assert self.process.poll() is None, f"the process ended; its log: {self.log()}"
            try:
                return httpx.get(url, trust_env=False, timeout=2).status_code == status
            except httpx.HTTPError:
                return False

        wait_until(answers, f"{url} to answer {status}; the log: {self._log}", PATIENCE_S)

    def resident_mb(self) -> float:
        """Resident memory in MB, as Linux tells it."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def terminate(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
