from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from launcher.ports import free_port
from tests.support.processes import ModuleProcess


class DetectorProcess(ModuleProcess):
    """A detector on a free port."""

    def __init__(self, log: Path) -> None:
        port = free_port()
        super().__init__("services.detector", log, {"EMOTION_DETECTOR_PORT": str(port)})
        self.url = f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DetectorProcess]:
    with DetectorProcess(tmp_path_factory.mktemp("detector") / "log") as process:
        process.wait_until_answers(f"{process.url}/readyz")
        yield process


@pytest.fixture(scope="session")
def client(detector: DetectorProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=detector.url, timeout=30, trust_env=False) as client:
        yield client
