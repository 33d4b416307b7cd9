"""Monitors memory, logs and health of the processes during a run."""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import httpx
import psutil

from tests.fuzz.cases import Service
from tests.fuzz.sender import PROBE_SOURCE
from tests.fuzz.stack import Processes

_USAGE_S = 0.2
HEALTH_S = 0.5
_HEALTH: tuple[Service, ...] = ("gateway", "detector", "capture", "serving")
CONTAINER_MB: Mapping[str, int] = MappingProxyType({"gateway": 512, "detector": 1024, "capture": 512, "serving": 2048})
"""Memory limits of the containers in ``docker-compose.yml``."""

_FAILURES = re.compile(
    r"Traceback \(most recent call last\)|exception was never retrieved|Fatal error on transport|Exception in callback"
    r"|Segmentation fault|Sanitizer|free\(\): |double free|corrupted|terminate called"
)
_LAST_LINE = re.compile(r"^(?:[\w.]+(?:Error|Exception|Disconnect|Interrupt|Warning)|[A-Z]\w+Error\b).*$", re.MULTILINE)
_NUMBERS = re.compile(r"0x[0-9a-f]+|[0-9a-f]{32}|\d+")


class LogTail:
    """Reads new lines of a log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def read_new(self) -> str:
        """Return the text added since the last call."""
        if not self._path.exists():
            return ""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            data = log.read()
        self._offset += len(data)
        return data.decode("utf-8", "replace")


def failures_in(text: str) -> Iterator[str]:
    """Yield a line for each failure in a log, without numbers, so that equal failures give equal lines."""
    for match in _FAILURES.finditer(text):
        after = _LAST_LINE.search(text, match.end())
        line = after[0] if after and match[0].startswith("Traceback") else match[0]
        yield _NUMBERS.sub("…", line)[:160]


class ProcessMonitor:
    """Samples memory and health in two threads during the block."""

    def __init__(self, stack: Processes, max_health_s: float = 2.0) -> None:
        self._stack = stack
        self._max_health_s = max_health_s
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._peaks: dict[str, float] = {}
        self._faults: list[str] = []
        self._lag_s = 0.0
        self._threads = [
            threading.Thread(target=loop, daemon=True) for loop in (self._sample_memory, self._poll_health)
        ]

    def __enter__(self) -> "ProcessMonitor":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def take_faults(self) -> list[str]:
        """Return the faults since the last call."""
        with self._lock:
            faults, self._faults = self._faults, []
        return faults

    def take_peaks(self) -> dict[str, float]:
        """Return the peak memory of each process since the last call, in MB."""
        with self._lock:
            peaks, self._peaks = self._peaks, {}
        return peaks

    def _sample_memory(self) -> None:
        while True:
            slept = time.monotonic()
            if self._stopped.wait(_USAGE_S):
                return
            self._lag_s = max(self._lag_s * 0.9, time.monotonic() - slept - _USAGE_S)
            for name in self._stack.names():
                try:
                    resident = self._stack.usage(name).resident_mb
                except (psutil.NoSuchProcess, KeyError):
                    continue
                with self._lock:
                    self._peaks[name] = max(self._peaks.get(name, 0.0), resident)

    def _poll_health(self) -> None:
        transport = httpx.HTTPTransport(local_address=PROBE_SOURCE)
        with httpx.Client(transport=transport, trust_env=False, timeout=max(6.0, 3 * self._max_health_s)) as client:
            while not self._stopped.wait(HEALTH_S):
                for service in _HEALTH:
                    if service not in self._stack.names() or self._stopped.is_set():
                        continue
                    fault = self._health_fault(client, service)
                    if fault is not None:
                        with self._lock:
                            self._faults.append(fault)

    def _health_fault(self, client: httpx.Client, service: Service) -> str | None:
        started = time.monotonic()
        try:
            status = client.get(self._stack.url(service, "/healthz")).status_code
        except httpx.HTTPError as error:
            seconds = time.monotonic() - started
            return f"/healthz of {service}: {type(error).__name__} after {seconds:.1f} s"
        seconds = time.monotonic() - started - self._lag_s  # minus the scheduling delay of this machine
        if status != 200:
            return f"/healthz of {service} returned {status}"
        return f"/healthz of {service} took {seconds:.1f} s" if seconds > self._max_health_s else None
