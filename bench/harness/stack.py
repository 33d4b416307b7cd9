"""The system's processes on free ports, started by the Procfile with the default settings."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from honcho.environ import parse_procfile

from bench.harness.machine import ROOT
from launcher.model_server import serving_socket, serving_target, write_model_config
from launcher.ports import LOOPBACK, free_port
from launcher.private_folder import private_folder
from launcher.redis_server import find_redis_server, redis_url, write_redis_config

PROCESSES = ("redis", "serving", "detector", "gateway")
"""Processes of the Procfile that are measured; the benchmarks replace cameras and clients."""

_START_S = 180.0
_STOP_S = 15.0
_LOG_LINES = 10


class StackError(Exception):
    """A process ended or didn't become ready in time; the message ends with its last log lines."""


@dataclass(frozen=True)
class Stack:
    """The running system.

    Attributes:
        gateway_port: The gateway's port on 127.0.0.1.
        redis_url: URL of Redis.
        pids: Process ids by name in the Procfile.
        environment: Environment of the processes, for more processes.
    """

    gateway_port: int
    redis_url: str
    pids: Mapping[str, int]
    environment: Mapping[str, str]


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """Run the system during the block.

    Args:
        folder: Folder of the logs.

    Raises:
        StackError: It doesn't start.
    """
    with private_folder() as private:
        yield from _run(folder, private)


def _run(folder: Path, private: Path) -> Iterator[Stack]:
    rest, detector, gateway = (free_port() for _ in range(3))
    redis = redis_url(private)
    models = folder / "models.config"
    write_model_config(ROOT / "model_repo", models)
    environment = {
        **{f"EMOTION_{name}_LOG_LEVEL": "WARNING" for name in ("DETECTOR", "GATEWAY")},  # as in make run
        **os.environ,
        "PYTHON": sys.executable,
        "REDIS_SERVER": find_redis_server(),
        "REDIS_CONFIG": str(write_redis_config(private, (folder / "redis-server.log").resolve())),
        "SERVING_GRPC_PORT": "0",
        "SERVING_GRPC_SOCKET": str(serving_socket(private)),
        "SERVING_REST_PORT": str(rest),
        "SERVING_MODEL_CONFIG": str(models),
        "EMOTION_DETECTOR_PORT": str(detector),
        "EMOTION_GATEWAY_PORT": str(gateway),
        # All clients of a benchmark have the same address.
        "EMOTION_GATEWAY_MAX_UPLOADS_PER_CLIENT": "64",
        "EMOTION_GATEWAY_MAX_VIEWERS_PER_CLIENT": "512",
        "EMOTION_GATEWAY_REDIS_URL": redis,
        "EMOTION_GATEWAY_DETECTOR_URL": f"http://{LOOPBACK}:{detector}",
        "EMOTION_GATEWAY_SERVING_TARGET": serving_target(private),
    }
    commands = parse_procfile((ROOT / "Procfile").read_text("utf-8")).processes
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in PROCESSES:
            with (folder / f"{name}.log").open("wb") as log:
                # The commands end with exec, so the shell's process id is the service's.
                processes[name] = subprocess.Popen(
                    ["/bin/sh", "-c", commands[name]], cwd=ROOT, env=environment, stdout=log, stderr=log
                )
        _wait_until_ready(f"http://{LOOPBACK}:{gateway}/readyz", processes, folder)
        yield Stack(gateway, redis, {name: process.pid for name, process in processes.items()}, environment)
    finally:
        for process in reversed(processes.values()):  # Redis last
            _stop(process)


def _wait_until_ready(url: str, processes: Mapping[str, subprocess.Popen[bytes]], folder: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not _is_ready(url):
        ended = [name for name, process in processes.items() if process.poll() is not None]
        if ended or time.monotonic() > deadline:
            what = f"{ended[0]} ended" if ended else f"{url} is not ready after {_START_S:g} s"
            raise StackError("\n".join([what, *_last_logged(folder, ended or processes)]))
        time.sleep(0.1)


def _last_logged(folder: Path, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for line in (folder / f"{name}.log").read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]:
            yield f"{name}: {line}"


def _is_ready(url: str) -> bool:
    """Return whether all dependencies are ready, also Redis, without which the gateway is only degraded."""
    try:
        answer = httpx.get(url, trust_env=False, timeout=2)
        return answer.status_code == 200 and all(one["ok"] for one in answer.json()["dependencies"].values())
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
