"""The fuzzer against the tiny service, whose routes have faults."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from launcher.ports import free_ports
from tests.fuzz.cases import Case, Exchange, request
from tests.fuzz.monitor import ProcessMonitor
from tests.fuzz.probes import Probe, Probes
from tests.fuzz.report import Report
from tests.fuzz.runner import Bounds, Runner
from tests.fuzz.stack import Processes
from tests.support.processes import ModuleProcess

BOUNDS = Bounds(memory_mb=30, descriptors=20, held_s=3, settle_s=2, heavy_cpu_s=1.5, heavy_mb=60)
FuzzTiny = Callable[..., Report]


class TinyProcesses(Processes):
    """The tiny service in place of the gateway."""

    def start(self) -> None:
        port, unused = free_ports(2)
        self.ports = {"gateway": port, "serving-grpc": unused}
        with ExitStack() as starting:
            process = ModuleProcess(
                "tests.support.tiny_service", self.log_of("gateway"), {"EMOTION_TINY_PORT": str(port)}
            )
            self.start_process(starting, "gateway", process)
            process.wait_until_answers(self.url("gateway", "/healthz"))
            self._open = starting.pop_all()


def get(path: str, target: str = "planted") -> Case:
    return Case(target, Exchange("gateway", (request("GET", path),), complete=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "found"


@pytest.fixture
def fuzz_tiny(folder: Path, tmp_path: Path) -> Iterator[FuzzTiny]:
    """Sends cases concurrently or one by one, and returns the report."""
    with TinyProcesses(tmp_path / "logs") as stack:

        def run(*cases: Case, together: bool = False) -> Report:
            report = Report(1, folder)
            with ProcessMonitor(stack, max_health_s=0.5) as monitor:
                probe = Probe(
                    Exchange("gateway", (request("GET", "/items/1"),), complete=True), lambda body: body == b"1"
                )
                runner = Runner(stack, monitor, report, {}, BOUNDS, Probes([probe]))
                asyncio.run(runner.replay_together(cases) if together else runner.replay(cases))
            return report

        yield run
