"""The asynchronous client: the methods of ``EmotionClient`` with ``await``."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Self, overload

import httpx

from emotion_client import responses
from emotion_client.errors import EmotionError
from emotion_client.event_stream import READ_TIMEOUT_S, EventStream, EventStreamParser, OnStatus
from emotion_client.requests import (
    CAMERAS_REQUEST,
    READINESS_REQUEST,
    SERVICES_REQUEST,
    Image,
    RequestSpec,
    frame_request,
    predict_request,
)
from emotion_client.results import CameraFrame, LiveResult, Readiness, ServiceState
from emotion_client.retry import RetryPolicy
from emotion_client.transport import (
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT_S,
    DEFAULT_URL,
    BoundedBody,
    client_options,
    redact_url,
    request_options,
)
from services.contracts.cameras import CameraView
from services.contracts.prediction import Prediction


class AsyncEmotionClient:
    """A client of one gateway. It keeps its connections open and can be shared by tasks; close it after use.

    Every method raises a subclass of ``EmotionError``: ``UnreachableError`` if there is no response in time,
    ``ProblemError`` if the gateway rejects the request, ``UnexpectedResponseError`` if the response isn't a gateway's.
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
        """Create the client; the first request connects.

        Args:
            base_url: The gateway's URL.
            api_key: Key of a gateway that requires one.
            timeout: Seconds for one response, all attempts together.
            retries: Attempts after a failed connection or a 503 with ``Retry-After``.
            transport: Replaces httpx's transport.

        Raises:
            ValueError: The URL isn't an HTTP URL.
        """
        self._url = redact_url(base_url)
        self._timeout_s = timeout
        self._retries = retries
        self._http = httpx.AsyncClient(**client_options(base_url, api_key), transport=transport)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the client."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @overload
    async def predict(self, image: Image) -> Prediction: ...

    @overload
    async def predict(self, *, camera: str | None = None) -> Prediction: ...

    async def predict(self, image: Image | None = None, *, camera: str | None = None) -> Prediction:
        """Return the emotions of the faces in an image or in a camera's newest frame.

        Args:
            image: JPEG, PNG or WebP: bytes, a path, or a file opened in binary mode.
            camera: The camera's id; optional if there is only one camera.
        """
        return responses.prediction(await self._send(predict_request(image, camera)))

    async def cameras(self) -> tuple[CameraView, ...]:
        """Return all cameras and their state."""
        return responses.cameras(await self._send(CAMERAS_REQUEST))

    async def services(self) -> dict[str, ServiceState]:
        """Return the state of each service that the gateway depends on."""
        return responses.services(await self._send(SERVICES_REQUEST))

    async def readiness(self) -> Readiness:
        """Return whether the gateway can answer requests; this needs no key."""
        return responses.readiness(await self._send(READINESS_REQUEST))

    async def frame(self, camera: str) -> CameraFrame:
        """Return a camera's newest frame."""
        return responses.frame(await self._send(frame_request(camera)))

    async def stream(
        self, camera: str, fps: float | None = None, on_status: OnStatus | None = None
    ) -> AsyncGenerator[LiveResult, None]:
        """Yield the results of a camera until the caller stops.

        If an established connection is lost, the client reconnects with growing delays and resumes after the last
        result. An error of the first connection, or a feed that the gateway rejects, is raised.

        Args:
            camera: The camera's id.
            fps: Maximum number of results a second; all if None.
            on_status: Called when the state of the feed changes.
        """
        stream = EventStream(camera, fps, self._url, on_status)
        while True:
            failure: Exception | None = None
            try:
                async with aclosing(self._read_events(stream)) as results:
                    async for result in results:
                        yield result
            except (EmotionError, httpx.RequestError) as error:
                failure = error
            await asyncio.sleep(stream.reconnect_delay_s(failure))

    async def _read_events(self, stream: EventStream) -> AsyncGenerator[LiveResult, None]:
        timeout = httpx.Timeout(self._timeout_s, read=READ_TIMEOUT_S)
        spec = stream.request()
        async with self._http.stream(**request_options(spec, timeout)) as response:
            if response.status_code != 200:
                response = await self._read_body(response, spec, time.monotonic() + self._timeout_s)
            stream.check_response(response)
            parser = EventStreamParser(response)
            async for chunk in response.aiter_raw():
                for event in parser.feed(chunk):
                    result = stream.handle(event)
                    if result is not None:
                        yield result

    async def _send(self, spec: RequestSpec) -> httpx.Response:
        policy = RetryPolicy(spec, self._url, self._timeout_s, self._retries, time.monotonic())
        while True:
            try:
                timeout = httpx.Timeout(policy.remaining_s(time.monotonic()))
                response = await self._send_once(spec, timeout, policy.deadline_s)
            except httpx.RequestError as failure:
                delay_s = policy.delay_after_failure(failure, time.monotonic())
            else:
                retry_delay_s = policy.delay_after_response(response, time.monotonic())
                if retry_delay_s is None:
                    return response
                delay_s = retry_delay_s
            await asyncio.sleep(delay_s)

    async def _send_once(self, spec: RequestSpec, limits: httpx.Timeout, deadline_s: float) -> httpx.Response:
        async with self._http.stream(**request_options(spec, limits)) as response:
            return await self._read_body(response, spec, deadline_s)

    async def _read_body(self, response: httpx.Response, spec: RequestSpec, deadline_s: float) -> httpx.Response:
        body = BoundedBody(response, spec.max_bytes, deadline_s)
        async for chunk in response.aiter_raw():
            body.append(chunk)
        return body.response()
