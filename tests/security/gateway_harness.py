"""A gateway process with a real Redis that tests write to, and a detector that finds no face."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import redis

from launcher.ports import free_ports
from services.capture.publisher_thread import PublishError
from services.capture.redis_publisher import RedisPublisher
from services.contracts.cameras import CAMERAS_KEY, CameraState, CameraStatus, status_key
from services.contracts.detection import Detection, DetectTimings, SearchScope
from services.contracts.frames import FrameMessage, frames_key
from services.contracts.geometry import ImageSize
from services.contracts.problems import Problem, ProblemKind
from services.gateway.analysis.cameras import LIST_TTL_S
from services.runtime.redis_client import redis_client
from tests.support.processes import ModuleProcess
from tests.support.redis_server import RedisServer, oldest_redis
from tests.support.waiting import wait_until

JPEG = b"\xff\xd8" + b"image" * 2000 + b"\xff\xd9"
GOOD = "good"
"""A camera that publishes valid frames during the whole test."""

STATUS = CameraStatus(CameraState.ONLINE, "demo", 30.0, 1280, 720, 100, 2, 1, "")
_NO_FACES = Detection(ImageSize(64, 48), SearchScope.FULL, (), DetectTimings(1, 1, 1, 3)).to_json()
_NO_IMAGE = json.dumps(Problem(ProblemKind.INVALID_IMAGE, "The body is not an image").encode("id")).encode()


class _Detector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        image = self.rfile.read(int(self.headers["Content-Length"]))
        is_jpeg = image.startswith(b"\xff\xd8")
        body = _NO_FACES if is_jpeg else _NO_IMAGE
        self.send_response(200 if is_jpeg else 422)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@dataclass(frozen=True)
class GatewayHarness:
    """A running gateway, and the connections of an attacker and of a client.

    Attributes:
        writer: A Redis client, as an attacker with write access has.
        process: The gateway's process.
        client: An HTTP client of the gateway.
    """

    writer: redis.Redis
    process: ModuleProcess
    client: httpx.Client

    def register(self, camera: str) -> None:
        """Register a camera with a valid status."""
        self.writer.zadd(CAMERAS_KEY, {camera: self.now_s()})
        self.writer.hset(status_key(camera), mapping=dict(STATUS.encode().items()))

    def publish(self, camera: str, entry_id: str = "*", **fields: Any) -> None:
        """Add a frame; the given fields replace valid ones, and None removes a field."""
        valid = FrameMessage(JPEG, 1, 1000, 64, 48, 1).encode()
        entry: dict[Any, Any] = {name: value for name, value in {**valid, **fields}.items() if value is not None}
        self.writer.xadd(frames_key(camera), entry, id=entry_id, maxlen=4, approximate=False)
        self.writer.expire(frames_key(camera), 10)

    def now_s(self) -> float:
        """Return the time of Redis's clock, in seconds."""
        seconds, microseconds = self.writer.time()
        return float(seconds + microseconds / 1e6)

    def problem(self, path: str) -> tuple[int, str]:
        """Return the status of a response and the detail of its problem."""
        answer = self.client.get(path)
        return answer.status_code, str(answer.json().get("detail", ""))

    def fetch_cameras(self) -> dict[str, dict[str, Any]]:
        """Return the entries of ``/cameras`` by camera, once the cached list has expired."""
        sleep(LIST_TTL_S)
        return self.fetch_cached_cameras()

    def fetch_cached_cameras(self) -> dict[str, dict[str, Any]]:
        """Return the entries of ``/cameras`` by camera; the list may be cached."""
        answer = self.client.get("/cameras")
        assert answer.status_code == 200, answer.text[:500]
        return {camera["id"]: camera for camera in answer.json()["cameras"]}

    def assert_good_camera_is_served(self) -> None:
        """Assert that predictions, frames and the status of the good camera are available."""
        assert self.client.get(f"/predict?camera={GOOD}").status_code == 200
        assert self.client.get(f"/cameras/{GOOD}/frame.jpg").content == JPEG
        good = self.fetch_cached_cameras()[GOOD]
        assert good["state"] == "online"
        assert good["age_ms"] is not None

    def log_bytes(self) -> int:
        """Return the size of the gateway's log."""
        return len(self.process.log().encode())

    def redis_connections(self) -> int:
        """Return the number of Redis's connections, including those of the test and of capture."""
        return int(self.writer.info("clients")["connected_clients"])

    def sent_mb(self) -> float:
        """Return how much Redis has sent since its start, in MB."""
        return int(self.writer.info("stats")["total_net_output_bytes"]) / 1e6


@contextmanager
def gateway_harness(folder: Path, with_detector: bool = True) -> Iterator[GatewayHarness]:
    """Run all processes during the block. Without a detector, no image can be analysed."""
    gateway_port, detector_port = free_ports(2)
    url = f"http://127.0.0.1:{gateway_port}"
    server = RedisServer(oldest_redis(), folder / "redis.log")
    detector = ThreadingHTTPServer(("127.0.0.1", detector_port if with_detector else 0), _Detector)
    threading.Thread(target=detector.serve_forever, daemon=True).start()
    stopping = threading.Event()
    try:
        with (
            server,
            redis_client(server.url, timeout_s=10) as writer,
            ModuleProcess(
                "services.gateway",
                folder / "gateway.log",
                {
                    "EMOTION_GATEWAY_PORT": str(gateway_port),
                    "EMOTION_GATEWAY_REDIS_URL": server.url,
                    "EMOTION_GATEWAY_DETECTOR_URL": f"http://127.0.0.1:{detector_port}",
                    # Long deadlines, because tests run in parallel on a busy machine.
                    "EMOTION_GATEWAY_ANSWER_TIMEOUT_S": "15",
                    "EMOTION_GATEWAY_DETECT_TIMEOUT_S": "10",
                    "EMOTION_GATEWAY_LIVE_SEARCH_TIMEOUT_S": "10",
                    "EMOTION_GATEWAY_REDIS_TIMEOUT_S": "5",
                    "EMOTION_GATEWAY_MAX_FRAME_AGE_S": "5",
                },
            ) as gateway,
            httpx.Client(base_url=url, timeout=20, trust_env=False) as client,
        ):
            capture = threading.Thread(target=_capture, args=(server.url, stopping), daemon=True)
            capture.start()
            gateway.wait_until_answers(f"{url}/healthz")
            path = f"/predict?camera={GOOD}" if with_detector else f"/cameras/{GOOD}/frame.jpg"
            wait_until(lambda: client.get(path).status_code == 200, "the first prediction")
            yield GatewayHarness(writer, gateway, client)
            stopping.set()
            capture.join()
    finally:
        stopping.set()
        detector.shutdown()
        detector.server_close()


def _capture(url: str, stopping: threading.Event) -> None:
    publisher, seq = RedisPublisher(url), 0
    while not stopping.wait(0.05):
        seq += 1
        try:
            publisher.publish(GOOD, FrameMessage(JPEG, 1, 1000, 64, 48, seq))
            if seq % 10 == 1:
                publisher.put_statuses({GOOD: STATUS})
        except PublishError:
            continue  # Redis is busy with the attack
    publisher.close()
