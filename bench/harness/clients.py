"""The clients that requests are measured with: HTTP over one persistent connection, and live feeds over WebSockets.

The HTTP client is the standard library's, since its own cost is part of the measurement and must be small.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter, sleep
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from launcher.ports import LOOPBACK
from services.contracts.detection import DETECT_PATH
from services.contracts.geometry import Box, format_roi
from services.contracts.live import RESULT
from services.contracts.problems import PROBLEM_MEDIA_TYPE

_TIMEOUT_S = 30.0
_MAX_ATTEMPTS = 20


@dataclass(frozen=True)
class Response:
    """A response.

    Attributes:
        status: HTTP status.
        wall_ms: From the first byte sent to the last byte read.
        body: The JSON object.
        retry_after_s: ``Retry-After``; 0 without the header.
    """

    status: int
    wall_ms: float
    body: dict[str, Any]
    retry_after_s: float = 0.0

    @property
    def failure(self) -> str | None:
        """The kind of problem; None for status 200."""
        return None if self.status == 200 else str(self.body.get("type", self.status)).rpartition(":")[2]


class Client:
    """A client of the gateway or of a detector."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_S)

    def upload(self, jpeg: bytes) -> Response:
        """Upload an image.

        Raises:
            OSError, http.client.HTTPException: There was no response.
        """
        return self._request("POST", "/predict", jpeg, {"Content-Type": "image/jpeg"})

    def upload_with_retries(self, jpeg: bytes) -> Response:
        """Upload an image until it is accepted, since an overloaded system rejects some; raises like ``upload``."""
        for _ in range(_MAX_ATTEMPTS):
            answer = self.upload(jpeg)
            if answer.failure is None:
                return answer
            sleep(answer.retry_after_s)
        raise AssertionError(f"the gateway responded with {answer.status}: {answer.body}")

    def predict_camera(self, camera: str) -> Response:
        """Request a camera's newest frame; raises like ``upload``."""
        return self._request("GET", f"/predict?camera={camera}")

    def detect_rois(self, jpeg: bytes, rois: Sequence[Box]) -> Response:
        """Search regions only, as a live session does; raises like ``upload``."""
        query = "&".join(f"roi={format_roi(box)}" for box in rois)
        return self._request("POST", f"{DETECT_PATH}?{query}&fallback=none", jpeg, {"Content-Type": "image/jpeg"})

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        started = perf_counter()
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        content = response.read()
        wall_ms = (perf_counter() - started) * 1e3
        readable = response.headers.get_content_type() in ("application/json", PROBLEM_MEDIA_TYPE)
        retry_after_s = float(response.headers.get("Retry-After", "0"))
        return Response(response.status, wall_ms, json.loads(content) if readable else {}, retry_after_s)


@dataclass(frozen=True)
class ReceivedResult:
    """A result of a feed.

    Attributes:
        camera: Id of the camera.
        at_s: Time of arrival, in Unix seconds.
        captured_s: Capture time of its frame, in Unix seconds.
        result: The JSON object.
    """

    camera: str
    at_s: float
    captured_s: float
    result: dict[str, Any]


class LiveClient:
    """Subscribes to cameras. Messages are parsed later, so that parsing doesn't load the machine meanwhile."""

    def __init__(self, port: int, cameras: Sequence[str]) -> None:
        self._port = port
        self._cameras = cameras
        self._texts: list[tuple[str, float, str]] = []

    async def follow(self) -> None:
        """Receive until cancelled."""
        async with asyncio.TaskGroup() as group:
            for camera in self._cameras:
                group.create_task(self._follow(camera))

    def results(self) -> list[ReceivedResult]:
        """Return the received results, in order."""
        read = [(camera, at_s, json.loads(text)) for camera, at_s, text in self._texts]
        return [
            ReceivedResult(camera, at_s, datetime.fromisoformat(message["source"]["captured_at"]).timestamp(), message)
            for camera, at_s, message in read
            if message["event"] == RESULT
        ]

    def problems(self) -> list[str]:
        """Return the kinds of problems that the feeds reported."""
        read = [json.loads(text) for _, _, text in self._texts if '"event":"status"' in text[:40]]
        return [str(message["problem"]["type"]).rpartition(":")[2] for message in read if message["problem"]]

    async def _follow(self, camera: str) -> None:
        url = f"ws://{LOOPBACK}:{self._port}/ws/cameras/{camera}"
        async with connect(url, proxy=None, compression=None, max_queue=None) as socket:
            while True:
                try:
                    text = await socket.recv(decode=True)
                except ConnectionClosed:
                    return
                self._texts.append((camera, time.time(), text))
