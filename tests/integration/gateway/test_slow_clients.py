import socket
from pathlib import Path

import httpx

from launcher.ports import free_port
from tests.support.processes import ModuleProcess
from tests.support.waiting import wait_until

HEAD = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n"


def test_slow_uploads_do_not_block_camera_requests(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "EMOTION_GATEWAY_PORT": str(port),
        "EMOTION_GATEWAY_MAX_UPLOADS": "1",
        "EMOTION_GATEWAY_MAX_IN_FLIGHT": "1",
        "EMOTION_GATEWAY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    url = f"http://127.0.0.1:{port}"
    with ModuleProcess("services.gateway", tmp_path / "log", settings) as gateway, httpx.Client(base_url=url) as client:
        gateway.wait_until_answers(f"{url}/healthz")
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(HEAD + b"\xff\xd8")

            def refused() -> bool:
                answer = client.post("/predict", content=b"", headers={"Content-Type": "image/jpeg"})
                return bool(answer.json()["type"] == "urn:emotion:problem:overloaded")

            wait_until(refused, "the slow upload to hold the only place")
            # Without Redis a camera can't be answered; what counts is that the question gets that far.
            assert client.get("/predict").json()["dependency"] == "redis"
