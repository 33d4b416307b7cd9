"""The frames of one video over ``WS /ws/predict?track=true``, which tracks its faces.

Frames are sent with their time and analysed in order. A few are in flight at once, so that the connection's round trip
costs nothing.
"""

import importlib.util
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import httpx

from emotion_client.errors import (
    EmotionError,
    ProblemError,
    RateLimitedError,
    UnexpectedResponseError,
    UnreachableError,
)
from emotion_client.event_stream import MAX_EVENT_BYTES
from emotion_client.requests import RequestSpec
from emotion_client.responses import decode_message, decode_tracked_response, response_error
from emotion_client.transport import client_options, is_loopback, redact_url
from services.contracts.video import FrameTime, TrackedPrediction

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

TRACKED_PREDICT = RequestSpec("GET", "/ws/predict", {"track": "true"})

MAX_IN_FLIGHT = 4
"""Frames sent before the first of them is answered."""

_MAX_RATE_LIMITED_ATTEMPTS = 10
_MAX_DELAY_S = 60.0
_NORMAL_CLOSURE = 1000


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video.

    Attributes:
        index: Number of the frame in the video, from 0.
        at_s: Seconds from the start of the video; greater than that of the frame before.
        image: JPEG, PNG or WebP.
    """

    index: int
    at_s: float
    image: bytes

    def __str__(self) -> str:
        """Return the frame's name in messages."""
        return f"frame {self.index} ({self.at_s:.2f} s)"


@dataclass(frozen=True)
class GatewayAddress:
    """The gateway and how long to wait for it.

    Attributes:
        url: Its URL.
        api_key: Key of a gateway that requires one.
        timeout_s: Seconds for the connection, and for each response.
        retries: Attempts after a 503 with ``Retry-After``.
    """

    url: str
    api_key: str | None
    timeout_s: float
    retries: int


def has_websockets() -> bool:
    """Return whether the package ``websockets`` is installed."""
    return importlib.util.find_spec("websockets") is not None


def predict_video(
    gateway: GatewayAddress, frames: Iterable[VideoFrame], sleep: Callable[[float], None] = time.sleep
) -> Generator[tuple[VideoFrame, TrackedPrediction], None, None]:
    """Yield the result of each frame, in order.

    Args:
        gateway: The gateway.
        frames: Frames of one video, in order.
        sleep: Waits for some seconds, as long as the gateway asks for.

    Raises:
        EmotionError: The gateway rejects the connection or a frame, or the connection is lost.
        RuntimeError: The package ``websockets`` isn't installed.
    """
    if not has_websockets():
        raise RuntimeError("predict_video needs the package websockets: pip install 'emotion-client[video]'")
    from websockets.exceptions import ConnectionClosed

    with _connect(gateway) as socket:
        session = _Session(socket, gateway, iter(frames), sleep)
        try:
            yield from session.results()
        except ConnectionClosed as error:
            raise session.closed_error() from error


def _connect(gateway: GatewayAddress) -> "ClientConnection":
    from websockets.exceptions import InvalidHandshake, InvalidStatus
    from websockets.sync.client import connect

    options = client_options(gateway.url, gateway.api_key)
    url = httpx.URL(options["base_url"] + TRACKED_PREDICT.path, params=dict(TRACKED_PREDICT.params))
    headers = {name: value for name, value in options["headers"].items() if name == "X-API-Key"}
    try:
        return connect(
            str(url.copy_with(scheme="wss" if url.scheme == "https" else "ws")),
            additional_headers=headers,
            user_agent_header=options["headers"]["User-Agent"],
            open_timeout=gateway.timeout_s,
            compression=None,
            max_size=MAX_EVENT_BYTES,
            proxy=None if is_loopback(url.host) else True,
        )
    except InvalidStatus as error:
        response = httpx.Response(
            error.response.status_code,
            headers=list(error.response.headers.raw_items()),
            content=bytes(error.response.body or b""),
            request=httpx.Request(TRACKED_PREDICT.method, url),
        )
        raise response_error(response, TRACKED_PREDICT) or UnexpectedResponseError(_no_websocket(gateway)) from error
    except InvalidHandshake as error:
        raise UnexpectedResponseError(_no_websocket(gateway)) from error
    except TimeoutError as error:
        raise UnreachableError(f"{redact_url(gateway.url)}: timed out") from error
    except OSError as error:
        raise UnreachableError(f"{redact_url(gateway.url)}: {error.strerror or error}") from error


def _no_websocket(gateway: GatewayAddress) -> str:
    return f"{redact_url(gateway.url)} did not accept the WebSocket; it may not be an emotion gateway"


class _Session:
    """Sends frames and receives their results over one connection."""

    def __init__(
        self,
        socket: "ClientConnection",
        gateway: GatewayAddress,
        frames: Iterator[VideoFrame],
        sleep: Callable[[float], None],
    ) -> None:
        self._socket = socket
        self._gateway = gateway
        self._frames = frames
        self._sleep = sleep
        self._sent: deque[VideoFrame] = deque()
        self._attempts = 0

    def results(self) -> Iterator[tuple[VideoFrame, TrackedPrediction]]:
        while True:
            for frame in islice(self._frames, MAX_IN_FLIGHT - len(self._sent)):
                self._send(frame)
            if not self._sent:
                return
            response = self._receive()
            if isinstance(response, ProblemError):
                self._retry(response)
                continue
            self._attempts = 0
            yield self._sent.popleft(), response

    def closed_error(self) -> EmotionError:
        """Return the error for a connection that the gateway closed; it names the first frame without a result."""
        frame = f" at {self._sent[0]}" if self._sent else ""
        reason = self._socket.close_reason or f"close code {self._socket.close_code or _NORMAL_CLOSURE}"
        return UnreachableError(f"{redact_url(self._gateway.url)}: the connection was closed{frame}: {reason}")

    def _send(self, frame: VideoFrame) -> None:
        from websockets.exceptions import ConnectionClosed

        self._sent.append(frame)
        # Responses may have arrived before the connection was closed; recv() raises after the last of them.
        with suppress(ConnectionClosed):
            self._socket.send(FrameTime(frame.at_s).to_json().decode())
            self._socket.send(frame.image)

    def _receive(self) -> TrackedPrediction | ProblemError:
        """Return the response to the first frame in flight."""
        frame = self._sent[0]
        try:
            message = self._socket.recv(self._gateway.timeout_s)
        except TimeoutError as error:
            raise UnreachableError(f"{redact_url(self._gateway.url)}: timed out at {frame}") from error
        try:
            if not isinstance(message, str):
                raise UnexpectedResponseError("not a text message")
            return decode_message(message, decode_tracked_response)
        except UnexpectedResponseError as error:
            raise UnexpectedResponseError(f"{redact_url(self._gateway.url)}: {frame}: {error}") from error

    def _retry(self, problem: ProblemError) -> None:
        """Wait and send the frames in flight again, if the problem is temporary.

        A frame can't be sent again once a later one has a result, since the gateway tracks faces in order.
        """
        self._attempts += 1
        limit = _MAX_RATE_LIMITED_ATTEMPTS if isinstance(problem, RateLimitedError) else self._gateway.retries
        is_temporary = isinstance(problem, RateLimitedError) or (problem.status == 503 and problem.retry_after)
        is_of_time = "at_s" not in problem.members  # a problem of the time message, not of the frame
        if is_of_time or not is_temporary or self._attempts > limit:
            raise _at_frame(problem, self._sent[0])
        first, *later = frames = list(self._sent)
        for _ in later:
            self._sent.popleft()
            if not isinstance(self._receive(), ProblemError):
                raise _at_frame(problem, first)
        self._sent.clear()
        self._sleep(min(problem.retry_after or 1.0, _MAX_DELAY_S))
        for frame in frames:
            self._send(frame)


def _at_frame(problem: ProblemError, frame: VideoFrame) -> ProblemError:
    """Return the problem with the name of the frame in its detail."""
    members: dict[str, Any] = {**problem.members, "detail": f"{frame}: {problem.detail or problem.title}"}
    return type(problem)(members, problem.status, problem.retry_after)
