"""Fixtures of the security tests of the model server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.model_server import answers
from tests.support.made_once import made_once
from tests.support.model_server import ServerProcess
from tests.support.waiting import wait_until


@pytest.fixture(scope="session")
def toy_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    command = [sys.executable, "-m", "tests.integration.serving.make_models"]
    return made_once(
        tmp_path_factory, "models", lambda folder: subprocess.run([*command, str(folder)], check=True, timeout=120)
    )


@pytest.fixture(scope="module")
def shared_model_server(toy_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    log = tmp_path_factory.mktemp("server") / "log"
    with ServerProcess("toys", toy_models / "toys", log, extra=("--enable_grpc_healthcheck_service",)) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def model_server(shared_model_server: ServerProcess) -> Iterator[ServerProcess]:
    """A model server. It must answer before and after the test, and log no traceback during it."""
    log_length = len(shared_model_server.log())
    assert answers(shared_model_server)
    yield shared_model_server
    wait_until(lambda: answers(shared_model_server), "an answer")
    assert "Traceback" not in shared_model_server.log()[log_length:]
