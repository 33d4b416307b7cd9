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
        status, output = run_probe(service.port)
        assert status == 0
        assert '"ready"' in output
        service.send_signal(signal.SIGTERM)
        with service.client() as client:
            while client.get("/readyz").status_code == 200:
                pass
        status, output = run_probe(service.port)
        assert status == 1
        assert '"stopping"' in output


def test_probe_fails_if_nothing_listens() -> None:
    status, output = run_probe(free_port())
    assert status == 1
    assert output.startswith("no answer: ")


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


def test_connection_closed_without_a_response_is_unready() -> None:
    """An overloaded service may close a connection immediately, so it is alive."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: listener.accept()[0].close())
        assert probe(listener.getsockname()[1]).outcome == "unready"
