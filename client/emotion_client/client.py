"""The synchronous client."""

import time
from collections.abc import Generator, Iterable
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
from emotion_client.video import GatewayAddress, VideoFrame, predict_video
from services.contracts.cameras import CameraView
from services.contracts.prediction import Prediction
from services.contracts.video import TrackedPrediction


class EmotionClient:
    """A client of one gateway. It keeps its connections open and can be shared by threads; close it after use.

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
        transport: httpx.BaseTransport | None = None,
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
        self._gateway = GatewayAddress(base_url, api_key, timeout, retries)
        self._url = redact_url(base_url)
        self._timeout_s = timeout
        self._retries = retries
        self._http = httpx.Client(**client_options(base_url, api_key), transport=transport)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    @overload
    def predict(self, image: Image) -> Prediction: ...

    @overload
    def predict(self, *, camera: str | None = None) -> Prediction: ...

    def predict(self, image: Image | None = None, *, camera: str | None = None) -> Prediction:
        """Return the emotions of the faces in an image or in a camera's newest frame.

        Args:
            image: JPEG, PNG or WebP: bytes, a path, or a file opened in binary mode.
            camera: The camera's id; optional if there is only one camera.
        """
        return responses.prediction(self._send(predict_request(image, camera)))

    def cameras(self) -> tuple[CameraView, ...]:
        """Return all cameras and their state."""
        return responses.cameras(self._send(CAMERAS_REQUEST))

    def services(self) -> dict[str, ServiceState]:
        """Return the state of each service that the gateway depends on."""
        return responses.services(self._send(SERVICES_REQUEST))

    def readiness(self) -> Readiness:
        """Return whether the gateway can answer requests; this needs no key."""
        return responses.readiness(self._send(READINESS_REQUEST))

    def frame(self, camera: str) -> CameraFrame:
        """Return a camera's newest frame."""
        return responses.frame(self._send(frame_request(camera)))

    def stream(
        self, camera: str, fps: float | None = None, on_status: OnStatus | None = None
    ) -> Generator[LiveResult, None, None]:
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
                yield from self._read_events(stream)
            except (EmotionError, httpx.RequestError) as error:
                failure = error
            time.sleep(stream.reconnect_delay_s(failure))

    def predict_video(
        self, frames: Iterable[VideoFrame]
    ) -> Generator[tuple[VideoFrame, TrackedPrediction], None, None]:
        """Yield the result of each frame of a video, in order, with tracked faces.

        Needs the package ``websockets`` (the extra ``video``).

        Args:
            frames: Frames of one video, in order, each later than the one before.
        """
        yield from predict_video(self._gateway, frames)

    def _read_events(self, stream: EventStream) -> Generator[LiveResult, None, None]:
        timeout = httpx.Timeout(self._timeout_s, read=READ_TIMEOUT_S)
        spec = stream.request()
        with self._http.stream(**request_options(spec, timeout)) as response:
            if response.status_code != 200:
                response = self._read_body(response, spec, time.monotonic() + self._timeout_s)
            stream.check_response(response)
            parser = EventStreamParser(response)
            for chunk in response.iter_raw():
                for event in parser.feed(chunk):
                    result = stream.handle(event)
                    if result is not None:
                        yield result

    def _send(self, spec: RequestSpec) -> httpx.Response:
        policy = RetryPolicy(spec, self._url, self._timeout_s, self._retries, time.monotonic())
        while True:
            try:
                timeout = httpx.Timeout(policy.remaining_s(time.monotonic()))
                response = self._send_once(spec, timeout, policy.deadline_s)
            except httpx.RequestError as failure:
                delay_s = policy.delay_after_failure(failure, time.monotonic())
            else:
                retry_delay_s = policy.delay_after_response(response, time.monotonic())
                if retry_delay_s is None:
                    return response
                delay_s = retry_delay_s
            time.sleep(delay_s)

    def _send_once(self, spec: RequestSpec, limits: httpx.Timeout, deadline_s: float) -> httpx.Response:
        with self._http.stream(**request_options(spec, limits)) as response:
            return self._read_body(response, spec, deadline_s)

    def _read_body(self, response: httpx.Response, spec: RequestSpec, deadline_s: float) -> httpx.Response:
        body = BoundedBody(response, spec.max_bytes, deadline_s)
        for chunk in response.iter_raw():
            body.append(chunk)
        return body.response()
