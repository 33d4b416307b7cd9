"""One client that follows cameras over WebSockets."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from launcher.ports import LOOPBACK
from services.contracts.live import RESULT


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
        read = [json.loads(text) for _, _, text in self._texts if '"event": "status"' in text[:40]]
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
