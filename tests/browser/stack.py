"""The whole system as processes on free ports."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Self

import httpx

from launcher.ports import free_port, free_ports
from tests.browser.gateway import GatewayProcess
from tests.support.processes import ROOT, ModuleProcess
from tests.support.redis_server import RedisServer, oldest_redis
from tests.support.waiting import wait_until

START_TIMEOUT_S = 180.0
"""Loading TensorFlow takes up to a minute on a busy machine."""

_LONG_TIMEOUTS = {
    "EMOTION_GATEWAY_ANSWER_TIMEOUT_S": "15",
    "EMOTION_GATEWAY_DETECT_TIMEOUT_S": "10",
    "EMOTION_GATEWAY_LIVE_SEARCH_TIMEOUT_S": "10",
    "EMOTION_GATEWAY_INFER_TIMEOUT_S": "10",
    "EMOTION_GATEWAY_LIVE_TIMEOUT_S": "10",
    "EMOTION_GATEWAY_REDIS_TIMEOUT_S": "5",
    "EMOTION_GATEWAY_MAX_FRAME_AGE_S": "10",
    "EMOTION_GATEWAY_ALLOWED_HOSTS": "cam.example",
}
"""The machine also runs a browser and other tests."""


class Stack:
    """Redis, model server, detector, capture with the demo feed, and a gateway; tests may start more of them.

    Leaving the context stops all processes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._started = 0

    def __enter__(self) -> Self:
        models = ROOT / "model_repo" / "emotion"
        grpc, rest, self._detector_port = free_ports(3)
        arguments = [f"--port={grpc}", f"--rest_api_port={rest}", "--model_name=emotion", f"--model_base_path={models}"]
        self._serving_target = f"127.0.0.1:{grpc}"
        with ExitStack() as starting:
            starting.enter_context(ModuleProcess("services.serving", self._log(), {}, arguments))
            self.redis = starting.enter_context(self.another_redis())
            starting.enter_context(self.another_detector(self._detector_port))
            starting.enter_context(self.another_capture(self.redis, "cam0=demo"))
            self.gateway = starting.enter_context(self.another_gateway())
            self._open = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def another_redis(self) -> RedisServer:
        return RedisServer(oldest_redis(), self._log())

    def another_detector(self, port: int) -> ModuleProcess:
        return ModuleProcess("services.detector", self._log(), {"EMOTION_DETECTOR_PORT": str(port)})

    def another_capture(self, redis: RedisServer, cameras: str, **settings: str) -> ModuleProcess:
        named = {"port": str(free_port()), "fps": "10", "redis_url": redis.url, "cameras": cameras, **settings}
        prefixed = {f"EMOTION_CAPTURE_{name.upper()}": value for name, value in named.items()}
        return ModuleProcess("services.capture", self._log(), prefixed)

    @contextmanager
    def another_gateway(
        self, settings: Mapping[str, str] = MappingProxyType({}), port: int | None = None
    ) -> Iterator[GatewayProcess]:
        """Start another gateway for the same services, with other settings, and wait until it listens."""
        defaults = {
            **_LONG_TIMEOUTS,
            "EMOTION_GATEWAY_REDIS_URL": self.redis.url,
            "EMOTION_GATEWAY_DETECTOR_URL": f"http://127.0.0.1:{self._detector_port}",
            "EMOTION_GATEWAY_SERVING_TARGET": self._serving_target,
        }
        with GatewayProcess(self._log(), {**defaults, **settings}, port) as gateway:
            gateway.wait_until_answers(f"{gateway.url()}/healthz", timeout_s=START_TIMEOUT_S)
            yield gateway

    def wait_until_it_predicts(self) -> None:
        def predicts() -> bool:
            return httpx.get(f"{self.gateway.url()}/predict", trust_env=False, timeout=20).status_code == 200

        wait_until(predicts, f"a first prediction; the logs: {self._folder}", START_TIMEOUT_S)

    def _log(self) -> Path:
        self._started += 1
        return self._folder / f"{self._started}.log"
