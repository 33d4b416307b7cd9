"""The client for programs without an event loop."""

import time
from collections.abc import Generator
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


class EmotionClient:
    """Asks a gateway. It keeps connections open: use it for many requests, and close it in the end.

    Every method raises ``EmotionError``: ``UnreachableError`` where there is no answer in time, a ``ProblemError``
    where the gateway refuses, ``UnexpectedAnswerError`` where something else responses. Threads may share it.
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
        self._http = httpx.Client(**connection(base_url, api_key), transport=transport)

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    @overload
    def predict(self, image: Image) -> Prediction: ...

    @overload
    def predict(self, *, camera: str | None = None) -> Prediction: ...

    def predict(self, image: Image | None = None, *, camera: str | None = None) -> Prediction:
        """Return the emotions in an image, or in a camera's newest frame.

        Args:
            image: JPEG, PNG or WebP: bytes, a path, or a file opened in binary mode.
            camera: May be left out where there is one camera.
        """
        return responses.prediction(self._answer(ask_prediction(image, camera)))

    def cameras(self) -> tuple[CameraView, ...]:
        """Return all cameras and their state."""
        return responses.cameras(self._answer(ASK_CAMERAS))

    def services(self) -> dict[str, ServiceState]:
        """Return the state of each service that the gateway depends on."""
        return responses.services(self._answer(ASK_SERVICES))

    def readiness(self) -> Readiness:
        """Return whether the gateway can do its work; it needs no key."""
        return responses.readiness(self._answer(ASK_READINESS))

    def frame(self, camera: str) -> CameraFrame:
        """Return a camera's newest frame."""
        return responses.frame(self._answer(ask_frame(camera)))

    def stream(
        self, camera: str, fps: float | None = None, on_status: OnStatus | None = None
    ) -> Generator[LiveResult, None, None]:
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
                yield from self._connected(following)
            except (EmotionError, httpx.RequestError) as error:
                failure = error
            time.sleep(following.pause_after(failure))

    def _connected(self, following: Following) -> Generator[LiveResult, None, None]:
        timeout = httpx.Timeout(self._timeout_s, read=SILENCE_S)
        with self._http.stream(**request(following.ask(), timeout)) as response:
            if response.status_code != 200:
                response = self._whole(response, following.ask(), time.monotonic() + self._timeout_s)
            following.opened(response)
            reader = EventReader(response)
            for chunk in response.iter_raw():
                for event in reader.events(chunk):
                    result = following.result(event)
                    if result is not None:
                        yield result

    def _answer(self, ask: Ask) -> httpx.Response:
        patience = Patience(ask, self._url, self._timeout_s, self._retries, time.monotonic())
        while True:
            try:
                timeout = httpx.Timeout(patience.seconds_left(time.monotonic()))
                response = self._read(ask, timeout, patience.ends_s)
            except httpx.RequestError as failure:
                pause_s = patience.after_failure(failure, time.monotonic())
            else:
                again_after_s = patience.after_answer(response, time.monotonic())
                if again_after_s is None:
                    return response
                pause_s = again_after_s
            time.sleep(pause_s)

    def _read(self, ask: Ask, limits: httpx.Timeout, ends_s: float) -> httpx.Response:
        with self._http.stream(**request(ask, limits)) as response:
            return self._whole(response, ask, ends_s)

    def _whole(self, response: httpx.Response, ask: Ask, ends_s: float) -> httpx.Response:
        body = BoundedBody(response, ask.max_bytes, ends_s)
        for chunk in response.iter_raw():
            body.add(chunk)
        return body.whole()
