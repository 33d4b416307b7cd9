"""One client of ``POST /predict`` and ``GET /predict``, over one connection that is kept.

The standard library's, since what it costs is part of what a client sees and little of that.
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
_TRIES = 20


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP's.
        wall_ms: From the first byte sent to the last one read.
        body: The JSON object.
        retry_after_s: How long to wait before the next try; 0 where nothing was said.
    """

    status: int
    wall_ms: float
    body: dict[str, Any]
    retry_after_s: float = 0.0

    @property
    def failure(self) -> str | None:
        """The kind of problem; None if all is well."""
        return None if self.status == 200 else str(self.body.get("type", self.status)).rpartition(":")[2]


class Client:
    """Asks the gateway, or a detector itself."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_S)

    def upload(self, jpeg: bytes) -> Answer:
        """Ask about a picture.

        Raises:
            OSError, http.client.HTTPException: No answer came.
        """
        return self._ask("POST", "/predict", jpeg, {"Content-Type": "image/jpeg"})

    def upload_until_answered(self, jpeg: bytes) -> Answer:
        """Ask until an answer comes, since a busy machine may refuse now and then; raises as ``upload`` does."""
        for _ in range(_TRIES):
            answer = self.upload(jpeg)
            if answer.failure is None:
                return answer
            sleep(answer.retry_after_s)
        raise AssertionError(f"the gateway answered {answer.status}: {answer.body}")

    def newest(self, camera: str) -> Answer:
        """Ask about a camera's newest frame; raises as ``upload`` does."""
        return self._ask("GET", f"/predict?camera={camera}")

    def faces_near(self, jpeg: bytes, hints: Sequence[Box]) -> Answer:
        """Ask a detector around the hints only, as a live session does; raises as ``upload`` does."""
        rois = "&".join(f"roi={format_roi(box)}" for box in hints)
        return self._ask("POST", f"{DETECT_PATH}?{rois}&fallback=none", jpeg, {"Content-Type": "image/jpeg"})

    def close(self) -> None:
        """End the connection; the next question opens another."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        started = perf_counter()
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        content = response.read()
        wall_ms = (perf_counter() - started) * 1e3
        readable = response.headers.get_content_type() in ("application/json", PROBLEM_MEDIA_TYPE)
        retry_after_s = float(response.headers.get("Retry-After", "0"))
        return Answer(response.status, wall_ms, json.loads(content) if readable else {}, retry_after_s)


@dataclass(frozen=True)
class Received:
    """A result as it came.

    Attributes:
        camera: Whose.
        at_s: When, in Unix seconds.
        captured_s: When its frame was captured, likewise.
        result: The object.
    """

    camera: str
    at_s: float
    captured_s: float
    result: dict[str, Any]


class Viewer:
    """Keeps what comes as text, so that reading it costs the machine nothing while others are measured."""

    def __init__(self, port: int, cameras: Sequence[str]) -> None:
        self._port = port
        self._cameras = cameras
        self._texts: list[tuple[str, float, str]] = []

    async def follow(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            for camera in self._cameras:
                group.create_task(self._follow(camera))

    def received(self) -> list[Received]:
        """Return the results that came, in order."""
        read = [(camera, at_s, json.loads(text)) for camera, at_s, text in self._texts]
        return [
            Received(camera, at_s, datetime.fromisoformat(message["source"]["captured_at"]).timestamp(), message)
            for camera, at_s, message in read
            if message["event"] == RESULT
        ]

    def problems(self) -> list[str]:
        """Return what the feeds said was wrong."""
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
