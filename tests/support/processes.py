"""Python modules and other servers as child processes, with their memory, descriptors and CPU time."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx

from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until

ROOT = Path(__file__).parents[2]


class ModuleProcess:
    """``python -m module arguments``, without settings in its environment other than those given.

    As a context manager, it ends with its block.
    """

    def __init__(self, module: str, log: Path, settings: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
        self._log = log
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**clean, **settings},
                stdout=stream,
                stderr=stream,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def log(self) -> str:
        """Return everything that it printed so far."""
        return self._log.read_text("utf-8", errors="replace")

    def wait_until_logged(self, text: str) -> None:
        """Wait until it printed this text; fail at once if it ends before."""
        wait_until(lambda: text in self.log() or self.has_ended(), f"{text!r} in the log {self._log}")
        assert text in self.log(), f"the process ended; its log: {self.log()}"

    def wait_until_answers(self, url: str, status: int = 200, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        """Wait until a GET returns this status; fail at once if the process ends before."""

        def answers() -> bool:
            assert not self.has_ended(), f"the process ended; its log: {self.log()}"
            try:
                return httpx.get(url, trust_env=False, timeout=2).status_code == status
            except httpx.HTTPError:
                return False

        wait_until(answers, f"{url} to answer {status}; the log: {self._log}", timeout_s)

    def resident_mb(self) -> float:
        """Return its resident memory in MB, from procfs."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def reset_peak(self) -> None:
        """Reset ``peak_mb`` to the memory that is resident now."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """Return its peak resident memory in MB, from procfs."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

    def cpu_s(self) -> float:
        """Return the processor time that it has used in seconds, from procfs."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self) -> int:
        """Return the number of its open file descriptors, from procfs."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def copies(self, data: bytes) -> int:
        """Return how often its writable memory contains these bytes in one piece, from procfs.

        Raises:
            PermissionError: This process may not read its memory.
        """
        found = 0
        with Path(f"/proc/{self._process.pid}/mem").open("rb", buffering=0) as memory:
            for line in Path(f"/proc/{self._process.pid}/maps").read_text().splitlines():
                fields = line.split()
                if "rw" not in fields[1] or line.endswith("[vvar]"):
                    continue
                first, last = (int(address, 16) for address in fields[0].split("-"))
                if last - first < len(data):
                    continue
                try:
                    memory.seek(first)
                    found += memory.read(last - first).count(data)
                except OSError:  # freed since
                    continue
        return found

    def tree(self) -> list[int]:
        """Return its process id and those of its descendants."""
        return [self._process.pid, *descendants(self._process.pid)]

    def tree_resident_mb(self) -> float:
        """Return the memory of the tree in MB, with shared pages counted once."""
        return sum(map(_proportional_mb, self.tree()))

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_status(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> int:
        """Wait until it ends and return its exit status."""
        return self._process.wait(timeout_s)

    def terminate(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.send_signal(signal.SIGTERM)
        return self.exit_status()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def descendants(pid: int) -> list[int]:
    """Return the process ids of a process's children and of theirs, from procfs."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # the process has just exited
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _proportional_mb(pid: int) -> float:
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0]) / 1000
    return 0.0


class Restartable:
    """A command that can be stopped and started again; as a context manager, it runs within the block."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it in the folder of the log, and append its output to the log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._log.parent)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
