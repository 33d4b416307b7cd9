"""The system under test: processes on free ports of 127.0.0.1, with the demo feed as a camera."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import psutil

from launcher.ports import free_ports
from services.gateway.settings import CompatApi
from tests.fuzz.cases import Service
from tests.support.processes import ROOT, ModuleProcess
from tests.support.redis_server import RedisServer, oldest_redis
from tests.support.waiting import wait_until

_START_S = 120.0
_GATEWAY = {
    # Long deadlines: the fuzzer keeps the machine busy, and slow responses are not a fault here.
    "EMOTION_GATEWAY_ANSWER_TIMEOUT_S": "8",
    "EMOTION_GATEWAY_DETECT_TIMEOUT_S": "6",
    "EMOTION_GATEWAY_LIVE_SEARCH_TIMEOUT_S": "6",
    "EMOTION_GATEWAY_INFER_TIMEOUT_S": "4",
    "EMOTION_GATEWAY_LIVE_TIMEOUT_S": "6",
    "EMOTION_GATEWAY_REDIS_TIMEOUT_S": "4",
    "EMOTION_GATEWAY_MAX_FRAME_AGE_S": "10",
    "EMOTION_GATEWAY_WS_IDLE_TIMEOUT_S": "5",
    "EMOTION_GATEWAY_COMPAT_APIS": ",".join(CompatApi),
}


@dataclass(frozen=True)
class Usage:
    """Resource usage of a service and its child processes.

    Attributes:
        resident_mb: Memory in MB.
        descriptors: Number of open files and sockets.
        cpu_s: CPU time in seconds, including that of ended children.
    """

    resident_mb: float
    descriptors: int
    cpu_s: float


class Processes:
    """The processes under test; the context manager ends them all.

    Attributes:
        ports: The port of each service on 127.0.0.1.
        redis_url: The URL of Redis.
    """

    ports: dict[Service, int]
    redis_url: str

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._processes: dict[str, ModuleProcess] = {}
        self._open = ExitStack()
        self.ports = {}
        self.redis_url = "redis://127.0.0.1:1/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all processes, and wait until they are ready.

        Raises:
            AssertionError: They are not ready in time.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """Kill all processes in reverse order of their start."""
        self._open.close()
        self._processes.clear()

    def log_of(self, name: str) -> Path:
        """Return the log file of a process."""
        return self._folder / f"{name}.log"

    def names(self) -> list[str]:
        """Return the names of the Python processes."""
        return list(self._processes)

    def ended(self) -> list[str]:
        """Return the names of processes that have ended."""
        return [name for name, process in self._processes.items() if process.has_ended()]

    def usage(self, name: str) -> Usage:
        """Return the current usage of a process and its children.

        Raises:
            psutil.NoSuchProcess: The process has ended.
        """
        root = psutil.Process(self._processes[name].pid)
        resident, descriptors, cpu_s = 0, 0, 0.0
        for process in (root, *root.children(recursive=True)):
            try:
                resident += process.memory_info().rss
                descriptors += process.num_fds()
                cpu = process.cpu_times()
                cpu_s += cpu.user + cpu.system + cpu.children_user + cpu.children_system
            except psutil.NoSuchProcess:
                if process is root:
                    raise
        return Usage(resident / 1e6, descriptors, cpu_s)

    def url(self, service: Service, path: str) -> str:
        """Return a URL of a service."""
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def start_process(self, starting: ExitStack, name: str, process: ModuleProcess) -> None:
        """Start a process that ends with the others."""
        self._processes[name] = starting.enter_context(process)


class Stack(Processes):
    """Redis, model server, detector, capture and gateway."""

    def start(self) -> None:
        """Start all processes, and wait until an image is analysed.

        Raises:
            AssertionError: They do not start in time.
        """
        names: tuple[Service, ...] = ("gateway", "detector", "capture", "serving", "serving-grpc")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        with ExitStack() as starting:
            executable = oldest_redis()
            redis = starting.enter_context(RedisServer(executable, self.log_of("redis")))
            self.redis_url = redis.url
            for name, (arguments, settings) in self._commands().items():
                process = ModuleProcess(f"services.{name}", self.log_of(name), settings, arguments)
                self.start_process(starting, name, process)
            wait_until(self._predicts, f"a first prediction; the logs are in {self._folder}", _START_S)
            self._open = starting.pop_all()

    def _commands(self) -> dict[str, tuple[list[str], dict[str, str]]]:
        """Return arguments and settings by module, in start order."""
        ports = {service: str(port) for service, port in self.ports.items()}
        serving = [
            f"--port={ports['serving-grpc']}",
            f"--rest_api_port={ports['serving']}",
            "--model_name=emotion",
            f"--model_base_path={ROOT / 'model_repo' / 'emotion'}",
        ]
        capture = {
            "EMOTION_CAPTURE_PORT": ports["capture"],
            "EMOTION_CAPTURE_REDIS_URL": self.redis_url,
            "EMOTION_CAPTURE_CAMERAS": "cam0=demo",
            "EMOTION_CAPTURE_FPS": "5",
        }
        gateway = {
            **_GATEWAY,
            "EMOTION_GATEWAY_PORT": ports["gateway"],
            "EMOTION_GATEWAY_REDIS_URL": self.redis_url,
            "EMOTION_GATEWAY_DETECTOR_URL": self.url("detector", ""),
            "EMOTION_GATEWAY_SERVING_TARGET": f"127.0.0.1:{ports['serving-grpc']}",
        }
        return {
            "serving": (serving, {}),
            "detector": ([], {"EMOTION_DETECTOR_PORT": ports["detector"]}),
            "capture": ([], capture),
            "gateway": ([], gateway),
        }

    def _predicts(self) -> bool:
        assert not self.ended(), f"{self.ended()} ended; the logs are in {self._folder}"
        try:
            return httpx.get(self.url("gateway", "/predict"), trust_env=False, timeout=10).status_code == 200
        except httpx.HTTPError:
            return False
