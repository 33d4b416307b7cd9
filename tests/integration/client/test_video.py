"""``predict_video`` and ``emotion predict film.mp4``, against a scripted server and a gateway."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from emotion_client import (
    AccessError,
    EmotionClient,
    EmotionError,
    ImageError,
    RateLimitedError,
    UnavailableError,
    UnexpectedResponseError,
    UnreachableError,
    VideoFrame,
)
from emotion_client.video import MAX_IN_FLIGHT, GatewayAddress, predict_video
from services.contracts.problems import Problem, ProblemKind
from services.contracts.video import TrackedPrediction
from tests.integration.client.conftest import ServeGateway
from tests.support.client_command import emotion
from tests.support.gateway_responses import BEGAN, face, prediction
from tests.support.images import write_film

Handler = Callable[[ServerConnection], None]

FRAMES = [VideoFrame(index, index / 25, b"image %d" % index) for index in range(10)]


@contextmanager
def scripted(handler: Handler) -> Iterator[str]:
    """Yield the URL of a WebSocket server with this handler."""

    def run(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            handler(connection)

    server: Server
    with serve(run, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def receive(connection: ServerConnection) -> tuple[float, bytes]:
    at_s, image = json.loads(connection.recv())["at_s"], connection.recv()
    assert isinstance(image, bytes)
    return at_s, image


def result(at_s: float) -> str:
    return json.dumps(TrackedPrediction(prediction(face(face_id="face-1")), at_s, (BEGAN,)).to_dict())


def problem(kind: ProblemKind, at_s: float) -> str:
    return json.dumps({**Problem(kind, "in detail").encode("5f3a"), "at_s": at_s})


def results_from(
    url: str, frames: list[VideoFrame] = FRAMES, sleep: Callable[[float], None] = lambda _: None, **options: Any
) -> list[tuple[int, float]]:
    gateway = GatewayAddress(**{"url": url, "api_key": None, "timeout_s": 10.0, "retries": 2, **options})
    return [(frame.index, tracked.at_s) for frame, tracked in predict_video(gateway, frames, sleep)]


EXPECTED = [(frame.index, frame.at_s) for frame in FRAMES]


def test_frames_are_sent_ahead_and_results_come_in_order() -> None:
    images = []

    def handler(connection: ServerConnection) -> None:
        waiting = [receive(connection) for _ in range(MAX_IN_FLIGHT)]
        while waiting:
            at_s, image = waiting.pop(0)
            images.append(image)
            connection.send(result(at_s))
            if len(images) + len(waiting) < len(FRAMES):
                waiting.append(receive(connection))

    with scripted(handler) as url:
        assert results_from(url) == EXPECTED
    assert images == [frame.image for frame in FRAMES]


def test_frames_rejected_by_the_rate_limit_are_sent_again() -> None:
    rejected: list[float] = []

    def handler(connection: ServerConnection) -> None:
        while True:
            at_s, _ = receive(connection)
            if at_s >= FRAMES[5].at_s and len(rejected) < MAX_IN_FLIGHT:
                rejected.append(at_s)
                connection.send(problem(ProblemKind.RATE_LIMITED, at_s))
            else:
                connection.send(result(at_s))

    slept: list[float] = []
    with scripted(handler) as url:
        assert results_from(url, sleep=slept.append) == EXPECTED
    assert slept == [1.0]


def test_permanent_rate_limit_is_an_error() -> None:
    def handler(connection: ServerConnection) -> None:
        while True:
            connection.send(problem(ProblemKind.RATE_LIMITED, receive(connection)[0]))

    with scripted(handler) as url, pytest.raises(RateLimitedError, match=r"frame 0 \(0.00 s\): in detail"):
        results_from(url)


def test_frame_that_was_overtaken_is_not_sent_again() -> None:
    def handler(connection: ServerConnection) -> None:
        connection.send(problem(ProblemKind.OVERLOADED, receive(connection)[0]))
        while True:
            connection.send(result(receive(connection)[0]))

    with scripted(handler) as url, pytest.raises(UnavailableError, match="frame 0"):
        results_from(url)


def test_problem_names_its_frame() -> None:
    def handler(connection: ServerConnection) -> None:
        connection.send(result(receive(connection)[0]))
        connection.send(problem(ProblemKind.INVALID_IMAGE, receive(connection)[0]))
        connection.recv()

    with scripted(handler) as url, pytest.raises(ImageError, match=r"frame 1 \(0.04 s\): in detail"):
        results_from(url)


def test_closed_connection_names_its_frame_and_the_reason() -> None:
    def handler(connection: ServerConnection) -> None:
        connection.send(result(receive(connection)[0]))
        connection.close(1001, "the service stops")

    with scripted(handler) as url, pytest.raises(UnreachableError, match=r"closed at frame 1 .* the service stops"):
        results_from(url)


def test_timeout_names_its_frame() -> None:
    def handler(connection: ServerConnection) -> None:
        connection.send(result(receive(connection)[0]))
        while True:
            connection.recv()

    with scripted(handler) as url, pytest.raises(UnreachableError, match="timed out at frame 1"):
        results_from(url, timeout_s=0.3)


@pytest.mark.parametrize("message", ["hello", "[]", "{}", b"bytes"])
def test_invalid_response_names_its_frame(message: str | bytes) -> None:
    def handler(connection: ServerConnection) -> None:
        receive(connection)
        connection.send(message)
        connection.recv()

    with scripted(handler) as url, pytest.raises(UnexpectedResponseError, match="frame 0"):
        results_from(url)


def test_rejected_connection_is_the_gateways_problem(gateway: ServeGateway) -> None:
    with pytest.raises(AccessError):
        results_from(gateway(api_keys="secret"))
    assert results_from(gateway(api_keys="secret"), FRAMES[:1], api_key="secret") == EXPECTED[:1]


def test_no_server_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
        results_from("http://127.0.0.1:1")


def test_another_server_is_unexpected(serve: Callable[[Any], str]) -> None:
    async def no_gateway(scope: Any, _: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})

    with pytest.raises(EmotionError):
        results_from(serve(no_gateway))


def test_gateway_tracks_the_faces_of_a_video(gateway: ServeGateway) -> None:
    with EmotionClient(gateway()) as client:
        results = list(client.predict_video(FRAMES))
    assert [tracked.at_s for _, tracked in results] == [frame.at_s for frame in FRAMES]
    assert {each.face_id for _, tracked in results for each in tracked.prediction.faces} == {"face-1"}


def test_command_uses_the_times_of_the_film(gateway: ServeGateway, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.avi", 12)
    done = emotion("predict", str(film), url=gateway())
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["frame"] for row in rows] == list(range(12))
    steps = {round(later["time_s"] - earlier["time_s"], 2) for earlier, later in zip(rows, rows[1:], strict=False)}
    assert len(steps) == 1
    assert {row["faces"][0]["face_id"] for row in rows} == {"face-1"}
    assert all("events" in row for row in rows)
