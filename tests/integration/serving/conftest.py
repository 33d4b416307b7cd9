import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.made_once import made_once
from tests.support.model_server import ServerProcess


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    command = [sys.executable, "-m", "tests.integration.serving.make_models"]
    return made_once(
        tmp_path_factory, "models", lambda folder: subprocess.run([*command, str(folder)], check=True, timeout=120)
    )


@pytest.fixture(scope="session")
def toys(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    log = tmp_path_factory.mktemp("toys") / "log"
    threads = ("--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=1")
    with ServerProcess("toys", models / "toys", log, extra=threads) as server:
        server.wait_until_ready()
        yield server
