import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from launcher.ports import free_port
from services.runtime.probe import probe
from tests.support.processes import ROOT
from tests.support.tiny_process import Service


def run_probe(port: int) -> tuple[int, str]:
    command = [sys.executable, "-m", "services.runtime.probe", str(port)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    assert result.stderr == ""
    return result.returncode, result.stdout


def test_readiness_is_reported_until_shutdown(tmp_path: Path) -> None:
    with Service(tmp_path / "log", drain_s="30") as service:
        status, told = run_probe(service.port)
        assert status == 0
        assert '"ready"' in told
        service.send_signal(signal.SIGTERM)
        with service.client() as client:
            while client.get("/readyz").status_code == 200:
                pass
        status, told = run_probe(service.port)
        assert status == 1
        assert '"stopping"' in told


def test_probe_fails_if_nothing_listens() -> None:
    status, told = run_probe(free_port())
    assert status == 1
    assert told.startswith("no answer: ")


def test_probe_distinguishes_frozen_and_ended_processes(tmp_path: Path) -> None:
    with Service(tmp_path / "log") as service:
        assert probe(service.port).outcome == "ready"
        service.send_signal(signal.SIGSTOP)
        try:
            assert probe(service.port).outcome == "silent"
        finally:
            service.send_signal(signal.SIGCONT)
        assert probe(service.port).outcome == "ready"
    assert probe(service.port).outcome == "closed"


def test_connections_that_are_closed_without_an_answer_are_no_silence() -> None:
    """A service that is full may close a connection at once: it is alive."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: listener.accept()[0].close())
        assert probe(listener.getsockname()[1]).outcome == "unready"
