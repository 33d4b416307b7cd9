"""Seconds from the start of a process until ``/readyz`` is 200, with all dependencies available."""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.harness.machine import ROOT
from bench.harness.run import Run, Scenario
from bench.harness.stack import StackError
from bench.harness.tables import Table, format_number, percentiles
from launcher.ports import LOOPBACK, free_port

SERVICES = ("gateway", "detector", "capture")
_POLL_INTERVAL_S = 0.01
_TIMEOUT_S = 60.0


def measure(run: Run) -> dict[str, Any]:
    """Start another process of each service, alternately from bytecode and from source."""
    stack, starts = run.stack(), run.scale.starts
    nowhere = run.folder / "no-bytecode"
    modes = {
        "bytecode": {},
        # An empty bytecode cache replaces the existing one and is never written.
        "source": {"PYTHONPYCACHEPREFIX": str(nowhere), "PYTHONDONTWRITEBYTECODE": "1"},
    }
    took: dict[str, dict[str, list[float]]] = {name: {mode: [] for mode in modes} for name in SERVICES}
    environment = {**stack.environment, "EMOTION_CAPTURE_REDIS_URL": stack.redis_url}
    total = starts * len(SERVICES) * len(modes)
    for name, mode in run.track("start", _turns(starts, list(modes)), total):
        took[name][mode].append(_start(name, {**environment, **modes[mode]}, run.folder))
    return {name: {mode: percentiles(of) for mode, of in by_mode.items()} for name, by_mode in took.items()}


def _turns(starts: int, modes: list[str]) -> Iterator[tuple[str, str]]:
    for _ in range(starts):
        for name in SERVICES:
            for mode in modes:
                yield name, mode


def _start(name: str, environment: Mapping[str, str], folder: Path) -> float:
    """Start a service; return the seconds until it is ready."""
    port = free_port()
    own = {f"EMOTION_{name.upper()}_PORT": str(port), f"EMOTION_{name.upper()}_LOG_LEVEL": "WARNING"}
    with (folder / f"start-{name}.log").open("ab") as log:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"],
            cwd=ROOT,
            env={**environment, **own},
            stdout=log,
            stderr=log,
        )
    try:
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() - started > _TIMEOUT_S:
                raise StackError(f"{name} did not become ready; see the logs in {folder}")
            time.sleep(_POLL_INTERVAL_S)
        return time.monotonic() - started
    finally:
        process.terminate()
        process.wait()


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a row for each service and mode."""
    rows = [
        (f"{name}, {mode}", *(format_number(of[share], 2) for share in ("p50", "p95", "worst")), str(of["count"]))
        for name, by_mode in result.items()
        for mode, of in by_mode.items()
    ]
    return [Table("Start: seconds until ready", ("", "p50", "p95", "worst", "starts"), rows)]


SCENARIO = Scenario("seconds until services are ready", measure, tables)
