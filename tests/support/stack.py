"""The complete system as processes on free ports, with the demo feed as its camera."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from launcher.ports import free_port, free_ports
from tests.support.processes import ROOT, ModuleProcess
from tests.support.redis_server import RedisServer
from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until

START_TIMEOUT_S = 180.0
"""On a very busy machine TensorFlow takes a minute to load."""

MODELS = ROOT / "model_repo" / "emotion"


@dataclass(frozen=True)
class Stack:
    """The running processes, and a client of the gateway."""

    serving: ModuleProcess
    detector: ModuleProcess
    gateway: ModuleProcess
    client: httpx.Client
    gateway_settings: Mapping[str, str]


@contextmanager
def running_stack(redis_executable: str, logs: Path) -> Iterator[Stack]:
    """Start all services, and wait for the first prediction."""
    assert any(MODELS.glob("*/saved_model.pb")), f"no model in {MODELS}"
    grpc_port, rest_port, detector_port, capture_port, gateway_port = free_ports(5)
    url = f"http://127.0.0.1:{gateway_port}"
    redis = RedisServer(redis_executable, logs / "redis.log")
    gateway_settings = {
        "EMOTION_GATEWAY_REDIS_URL": redis.url,
        "EMOTION_GATEWAY_DETECTOR_URL": f"http://127.0.0.1:{detector_port}",
        "EMOTION_GATEWAY_SERVING_TARGET": f"127.0.0.1:{grpc_port}",
        # Long deadlines, because tests run in parallel on a busy machine.
        "EMOTION_GATEWAY_ANSWER_TIMEOUT_S": "15",
        "EMOTION_GATEWAY_DETECT_TIMEOUT_S": "10",
        "EMOTION_GATEWAY_LIVE_SEARCH_TIMEOUT_S": "10",
        "EMOTION_GATEWAY_INFER_TIMEOUT_S": "10",
        "EMOTION_GATEWAY_LIVE_TIMEOUT_S": "10",
    }
    with (
        redis,
        ModuleProcess(
            "services.serving",
            logs / "serving.log",
            {},
            [
                f"--port={grpc_port}",
                f"--rest_api_port={rest_port}",
                "--model_name=emotion",
                f"--model_base_path={MODELS}",
            ],
        ) as serving,
        ModuleProcess(
            "services.detector", logs / "detector.log", {"EMOTION_DETECTOR_PORT": str(detector_port)}
        ) as detector,
        ModuleProcess(
            "services.capture",
            logs / "capture.log",
            {
                "EMOTION_CAPTURE_PORT": str(capture_port),
                "EMOTION_CAPTURE_REDIS_URL": redis.url,
                "EMOTION_CAPTURE_CAMERAS": "cam0=demo",
                "EMOTION_CAPTURE_FPS": "10",
            },
        ),
        ModuleProcess(
            "services.gateway",
            logs / "gateway.log",
            {"EMOTION_GATEWAY_PORT": str(gateway_port), **gateway_settings},
        ) as gateway,
        httpx.Client(base_url=url, timeout=20, trust_env=False) as client,
    ):
        gateway.wait_until_answers(f"{url}/readyz", timeout_s=START_TIMEOUT_S)
        wait_until(lambda: client.get("/predict").status_code == 200, "a first prediction")
        yield Stack(serving, detector, gateway, client, gateway_settings)


@contextmanager
def another_gateway(
    stack: Stack, folder: Path, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[ModuleProcess, httpx.Client]]:
    """Start a second gateway for the same services, with other settings."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**stack.gateway_settings, **settings, "EMOTION_GATEWAY_PORT": str(port)}
    with (
        ModuleProcess("services.gateway", folder / "gateway.log", environment) as process,
        httpx.Client(base_url=url, timeout=DEFAULT_TIMEOUT_S, trust_env=False) as client,
    ):
        process.wait_until_answers(f"{url}/readyz")
        yield process, client
