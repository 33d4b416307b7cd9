"""Installs the client as its users do, from the package index: what it needs, and nothing of what the services need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.client.conftest import ServeGateway
from tests.support.processes import ROOT

UV = Path(sys.executable).parent / "uv"
ALL_MODULES = """
import importlib, importlib.metadata, pkgutil, emotion_client
for module in pkgutil.walk_packages(emotion_client.__path__, "emotion_client."):
    if not module.name.endswith("__main__") {condition}:
        importlib.import_module(module.name)
print(*sorted(distribution.name.lower() for distribution in importlib.metadata.distributions()))
"""


def uv(*arguments: str | Path) -> None:
    done = subprocess.run([UV, "--quiet", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def run(folder: Path, program: str, *arguments: str) -> str:
    """Run a program of the fresh environment far from this repository, and return what it prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EMOTION_", "PYTHON"))}
    done = subprocess.run(
        [folder / "venv" / "bin" / program, *arguments], capture_output=True, env=clean, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a source distribution, and the wheel from it."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--out-dir", folder, ROOT / "client")
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(folder: Path, what: str) -> None:
    uv("venv", "--python", sys.executable, folder / "venv")
    uv("pip", "install", "--refresh-package", "emotion-client", "--python", folder / "venv", what)


def test_library_needs_few_packages(wheel: Path, tmp_path: Path, gateway: ServeGateway) -> None:
    install(tmp_path, str(wheel))
    (tmp_path / "services").mkdir()  # the user's own package with this name must not be shadowed
    (tmp_path / "services" / "__init__.py").touch()
    installed = run(tmp_path, "python", "-c", ALL_MODULES.format(condition='and ".cli" not in module.name'))
    assert set(installed.split()) <= {
        *("emotion-client", "httpx", "httpx-sse", "msgspec"),
        *("anyio", "certifi", "h11", "httpcore", "idna", "typing-extensions", "typing_extensions"),
    }
    program = f"from emotion_client import EmotionClient; print(EmotionClient({gateway()!r}).predict(b'jpeg').emotion)"
    assert run(tmp_path, "python", "-c", program) == "happy\n"


def test_extra_cli_installs_the_command(wheel: Path, tmp_path: Path, gateway: ServeGateway) -> None:
    install(tmp_path, f"emotion-client[cli] @ {wheel.as_uri()}")
    installed = run(tmp_path, "python", "-c", ALL_MODULES.format(condition=""))
    assert not {"numpy", "fastapi", "redis", "grpcio", "tensorflow", "tensorflow-cpu"} & set(installed.split())
    assert '"happy"' in run(tmp_path, "emotion", "predict", sys.executable, "--url", gateway())
