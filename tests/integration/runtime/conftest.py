from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tiny_process import Service, StartService, services_in


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    with services_in(tmp_path) as start:
        yield start


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service shared by tests that do not stop it."""
    with services_in(tmp_path_factory.mktemp("service")) as start:
        yield start(log_format="json")
