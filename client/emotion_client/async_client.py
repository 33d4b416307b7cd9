"""The client for programs with an event loop: ``EmotionClient`` with ``await``."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Self, overload

import httpx

from emotion_client import responses
from emotion_client.errors import EmotionError
from emotion_client.event_stream import SILENCE_S, EventReader, Following, OnStatus
from emotion_client.requests import ASK_CAMERAS, ASK_READINESS, ASK_SERVICES, Ask, Image, ask_frame, ask_prediction
from emotion_client.results import CameraFrame, LiveResult, Readiness, ServiceState
from emotion_client.retry import Patience
from emotion_client.transport import (
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT_S,
    DEFAULT_URL,
    BoundedBody,
    connection,
    request,
    shown_url,
)
from services.contracts.cameras import CameraView
from services.contracts.prediction import Prediction


class AsyncEmotionClient:
    """Asks a gateway. It keeps connections open: use it for many requests, and close it in the end.

    Every method raises ``EmotionError``: ``UnreachableError`` where there is no answer in time, a ``ProblemError``
    where the gateway refuses, ``UnexpectedAnswerError`` where something else responses. Tasks may share it.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: int = DEFAULT_RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connect with the first request.

        Args:
            base_url: The gateway's address.
            api_key: Where the gateway asks for one.
            timeout: Seconds for one answer, all tries together.
            retries: How often a request is sent again that failed on its way or was answered with 503.
            transport: In place of httpx's own.

        Raises:
            ValueError: The address isn't one of HTTP.
        """
        self._url = shown_url(base_url)
        self._timeout_s = timeout
        self._retries = retries
        self._http = httpx.AsyncClient(**connection(base_url, api_key), transport=transport)

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    @overload
    async def predict(self, image: Image) -> Prediction: ...

    @overload
    async def predict(self, *, camera: str | None = None) -> Prediction: ...

    async def predict(self, image: Image | None = None, *, camera: str | None = None) -> Prediction:
        """Return the emotions in an image, or in a camera's newest frame.

        Args:
            image: JPEG, PNG or WebP: bytes, a path, or a file opened in binary mode.
            camera: May be left out where there is one camera.
        """
        return responses.prediction(await self._answer(ask_prediction(image, camera)))

    async def cameras(self) -> tuple[CameraView, ...]:
        """Return all cameras and their state."""
        return responses.cameras(await self._answer(ASK_CAMERAS))

    async def services(self) -> dict[str, ServiceState]:
        """Return the state of each service that the gateway depends on."""
        return responses.services(await self._answer(ASK_SERVICES))

    async def readiness(self) -> Readiness:
        """Return whether the gateway can do its work; it needs no key."""
        return responses.readiness(await self._answer(ASK_READINESS))

    async def frame(self, camera: str) -> CameraFrame:
        """Return a camera's newest frame."""
        return responses.frame(await self._answer(ask_frame(camera)))

    async def stream(
        self, camera: str, fps: float | None = None, on_status: OnStatus | None = None
    ) -> AsyncGenerator[LiveResult, None]:
        """Yield the results of a camera as they come, until the caller stops.

        A connection that is lost is made anew, with growing pauses, and goes on after the last result. Only the
        first must come about; a feed that the gateway refuses ends with the error.

        Args:
            camera: Its id.
            fps: At most this many a second; all if None.
            on_status: Is told when the feed's state changes.
        """
        following = Following(camera, fps, self._url, on_status)
        while True:
            failure: Exception | None = None
            try:
                async with aclosing(self._connected(following)) as results:
                    async for result in results:
                        yield result
            except (EmotionError, httpx.RequestError) as error:
                failure = error
            await asyncio.sleep(following.pause_after(failure))

    async def _connected(self, following: Following) -> AsyncGenerator[LiveResult, None]:
        timeout = httpx.Timeout(self._timeout_s, read=SILENCE_S)
        async with self._http.stream(**request(following.ask(), timeout)) as response:
            if response.status_code != 200:
                response = await self._whole(response, following.ask(), time.monotonic() + self._timeout_s)
            following.opened(response)
            reader = EventReader(response)
            async for chunk in response.aiter_raw():
                for event in reader.events(chunk):
                    result = following.result(event)
                    if result is not None:
                        yield result

    async def _answer(self, ask: Ask) -> httpx.Response:
        patience = Patience(ask, self._url, self._timeout_s, self._retries, time.monotonic())
        while True:
            try:
                timeout = httpx.Timeout(patience.seconds_left(time.monotonic()))
                response = await self._read(ask, timeout, patience.ends_s)
            except httpx.RequestError as failure:
                pause_s = patience.after_failure(failure, time.monotonic())
            else:
                again_after_s = patience.after_answer(response, time.monotonic())
                if again_after_s is None:
                    return response
                pause_s = again_after_s
            await asyncio.sleep(pause_s)

    async def _read(self, ask: Ask, limits: httpx.Timeout, ends_s: float) -> httpx.Response:
        async with self._http.stream(**request(ask, limits)) as response:
            return await self._whole(response, ask, ends_s)

    async def _whole(self, response: httpx.Response, ask: Ask, ends_s: float) -> httpx.Response:
        body = BoundedBody(response, ask.max_bytes, ends_s)
        async for chunk in response.aiter_raw():
            body.add(chunk)
        return body.whole()
