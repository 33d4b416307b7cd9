"""The processes find each other, whichever order they start in."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import httpx
import pytest

from launcher.ports import free_ports
from tests.support.processes import ModuleProcess
from tests.support.redis_server import RedisServer
from tests.support.stack import MODELS, START_TIMEOUT_S
from tests.support.waiting import wait_until


@pytest.mark.parametrize(
    "order",
    [
        ("gateway", "capture", "detector", "serving", "redis"),
        ("redis", "capture", "gateway", "detector", "serving"),
        ("serving", "redis", "gateway", "capture", "detector"),
    ],
    ids=lambda order: f"{order[-1]} last",
)
def test_services_answer_in_any_start_order(order: tuple[str, ...], redis_executable: str, tmp_path: Path) -> None:
    redis_port, grpc_port, rest_port, detector_port, capture_port, gateway_port = free_ports(6)
    redis = RedisServer(redis_executable, tmp_path / "redis.log", redis_port)
    model = [
        f"--port={grpc_port}",
        f"--rest_api_port={rest_port}",
        "--model_name=emotion",
        f"--model_base_path={MODELS}",
    ]

    def process(name: str, arguments: tuple[str, ...] = (), **settings: str) -> Callable[[], ModuleProcess]:
        ours = {f"EMOTION_{name.upper()}_{key.upper()}": value for key, value in settings.items()}
        return lambda: ModuleProcess(f"services.{name}", tmp_path / f"{name}.log", ours, arguments)

    starts: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "redis": lambda: redis,
        "serving": process("serving", tuple(model)),
        "detector": process("detector", port=str(detector_port)),
        "capture": process("capture", port=str(capture_port), redis_url=redis.url, cameras="cam0=demo", fps="5"),
        "gateway": process(
            "gateway",
            port=str(gateway_port),
            redis_url=redis.url,
            detector_url=f"http://127.0.0.1:{detector_port}",
            serving_target=f"127.0.0.1:{grpc_port}",
            answer_timeout_s="15",
            detect_timeout_s="10",
            live_search_timeout_s="10",
            infer_timeout_s="10",
        ),
    }
    with ExitStack() as stack, httpx.Client(base_url=f"http://127.0.0.1:{gateway_port}", trust_env=False) as client:
        for name in order:
            stack.enter_context(starts[name]())

        def answers() -> bool:
            try:
                answer = client.get("/predict", timeout=20)
            except httpx.TransportError:  # it doesn't listen yet
                return False
            assert answer.status_code in (200, 503, 504), answer.text
            return answer.status_code == 200

        wait_until(answers, "an answer", START_TIMEOUT_S)
        assert client.get("/readyz").json()["status"] == "ready"
