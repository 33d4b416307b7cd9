"""A gateway as a process, over a real Redis that anybody may write to and a detector that sees no face."""

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

JPEG = b"\xff\xd8" + b"picture" * 2000 + b"\xff\xd9"
HONEST = "door"
"""A camera whose capture runs as it should the whole time."""

STATUS = CameraStatus(CameraState.ONLINE, "demo", 30.0, 1280, 720, 100, 2, 1, "")
_NOTHING = Detection(ImageSize(64, 48), SearchScope.FULL, (), DetectTimings(1, 1, 1, 3)).to_json()
_NO_IMAGE = json.dumps(Problem(ProblemKind.INVALID_IMAGE, "The body is no picture").encode("id")).encode()


class _Detector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        image = self.rfile.read(int(self.headers["Content-Length"]))
        seen = image.startswith(b"\xff\xd8")
        body = _NOTHING if seen else _NO_IMAGE
        self.send_response(200 if seen else 422)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@dataclass(frozen=True)
class Attacked:
    """What an attack needs.

    Attributes:
        writer: Writes to Redis, as whoever got hold of it would.
        gateway: The gateway's process.
        client: Asks it.
    """

    writer: redis.Redis
    gateway: ModuleProcess
    client: httpx.Client

    def register(self, camera: str) -> None:
        """Let a camera be there, with a sound status."""
        self.writer.zadd(CAMERAS_KEY, {camera: self.now_s()})
        self.writer.hset(status_key(camera), mapping=dict(STATUS.encode().items()))

    def publish(self, camera: str, entry_id: str = "*", **fields: Any) -> None:
        """Add a frame; fields are replaced by those given, and left out where they are None."""
        sound = FrameMessage(JPEG, 1, 1000, 64, 48, 1).encode()
        entry: dict[Any, Any] = {name: value for name, value in {**sound, **fields}.items() if value is not None}
        self.writer.xadd(frames_key(camera), entry, id=entry_id, maxlen=4, approximate=False)
        self.writer.expire(frames_key(camera), 10)

    def now_s(self) -> float:
        """Return Redis's time."""
        seconds, microseconds = self.writer.time()
        return float(seconds + microseconds / 1e6)

    def problem(self, path: str) -> tuple[int, str]:
        """Return the status of an answer and its problem's detail."""
        answer = self.client.get(path)
        return answer.status_code, str(answer.json().get("detail", ""))

    def listed(self) -> dict[str, dict[str, Any]]:
        """Return what ``/cameras`` says of each camera now, not a moment ago."""
        sleep(LIST_TTL_S)
        return self.listed_lately()

    def listed_lately(self) -> dict[str, dict[str, Any]]:
        """Return what ``/cameras`` says of each camera."""
        answer = self.client.get("/cameras")
        assert answer.status_code == 200, answer.text[:500]
        return {camera["id"]: camera for camera in answer.json()["cameras"]}

    def others_are_served(self) -> None:
        """Make sure that the honest camera is answered about in every way."""
        assert self.client.get(f"/predict?camera={HONEST}").status_code == 200
        assert self.client.get(f"/cameras/{HONEST}/frame.jpg").content == JPEG
        honest = self.listed_lately()[HONEST]
        assert honest["state"] == "online"
        assert honest["age_ms"] is not None

    def log_bytes(self) -> int:
        """Return how much the gateway has logged so far."""
        return len(self.gateway.log().encode())

    def connections(self) -> int:
        """Return how many connections Redis has, this test's and capture's among them."""
        return int(self.writer.info("clients")["connected_clients"])

    def sent_mb(self) -> float:
        """Return how much Redis has sent so far, in MB."""
        return int(self.writer.info("stats")["total_net_output_bytes"]) / 1e6


@contextmanager
def attacked(folder: Path, with_detector: bool = True) -> Iterator[Attacked]:
    """Run all of it while the block runs; where there is no detector, no picture can be analysed."""
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
                    # The machine that runs the tests may be busy with all of them at once.
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
            answer = f"/predict?camera={HONEST}" if with_detector else f"/cameras/{HONEST}/frame.jpg"
            wait_until(lambda: client.get(answer).status_code == 200, "a first answer")
            yield Attacked(writer, gateway, client)
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
            publisher.publish(HONEST, FrameMessage(JPEG, 1, 1000, 64, 48, seq))
            if seq % 10 == 1:
                publisher.put_statuses({HONEST: STATUS})
        except PublishError:
            continue  # Redis is busy with what it was given
    publisher.close()
