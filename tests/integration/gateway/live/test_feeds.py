"""Feeds over real sockets, of the demo camera, through the real detector and model."""

import io
import json
import signal
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support import images
from tests.support.live_feed import events, pictures, results
from tests.support.stack import Stack, another_gateway
from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until


def websocket(client: httpx.Client, address: str) -> ClientConnection:
    return connect(str(client.base_url).rstrip("/").replace("http", "ws", 1) + address, proxy=None)


def told(socket: ClientConnection) -> dict[str, Any]:
    received: dict[str, Any] = json.loads(socket.recv(timeout=DEFAULT_TIMEOUT_S))
    return received


def close_code(socket: ClientConnection, last_message: bytes | None = None) -> int | None:
    """Read, after a last message, until the other side closes; return the code it gave."""
    try:
        if last_message is not None:
            socket.send(last_message)
        while True:
            socket.recv(timeout=DEFAULT_TIMEOUT_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_server_sent_events_are_predictions_of_frame_after_frame(client: httpx.Client) -> None:
    with events(client) as feed:
        got = list(islice(results(feed), 20))
    ids = [event.id for event in got]
    assert ids == [event.data["source"]["frame_id"] for event in got]
    assert len(set(ids)) == 20
    assert ids == sorted(ids, key=lambda id: tuple(map(int, str(id).split("-"))))
    faces = [face for event in got for face in event.data["faces"]]
    assert faces
    assert all(face["face_id"] for face in faces)
    assert all(sum(face["smoothed"].values()) == pytest.approx(1, abs=1e-3) for face in faces)
    assert all(event.data["image"] == {"width": 1280, "height": 720} for event in got)


def test_predict_is_answered_by_the_session_of_a_viewer(client: httpx.Client) -> None:
    with events(client) as feed:
        next(results(feed))

        def has_an_id() -> bool:
            answer = client.get("/predict").json()
            # a machine that is busy with other tests may be too slow for an answer
            return any(face["face_id"] is not None for face in answer.get("faces", ()))

        wait_until(has_an_id, "a face with an id")


def test_client_that_reconnects_to_another_gateway_gets_no_result_twice(stack: Stack, tmp_path: Path) -> None:
    with events(stack.client) as feed:
        last = list(islice(results(feed), 3))[-1].id
    assert last is not None
    with (
        another_gateway(stack, tmp_path) as (_, other),
        events(other, headers={"Last-Event-ID": last}) as feed,
    ):
        next_id = next(results(feed)).id
    assert next_id is not None
    assert tuple(map(int, next_id.split("-"))) > tuple(map(int, last.split("-")))


def test_a_websocket_feed_is_the_same_and_may_be_thinned(client: httpx.Client) -> None:
    with websocket(client, "/ws/cameras/cam0?fps=2") as socket:
        got: list[dict[str, Any]] = []
        while len(got) < 3:
            message = told(socket)
            if message["event"] == "result":
                got.append(message)
    times = [int(result["source"]["frame_id"].split("-")[0]) for result in got]
    assert times[2] - times[0] > 700
    assert {"faces", "events", "dropped", "timings_ms"} <= set(got[0])


def test_images_over_a_websocket_are_answered_as_uploads_are(client: httpx.Client) -> None:
    face = images.encode(images.one_face())
    uploaded = client.post("/predict", content=face, headers={"Content-Type": "image/jpeg"}).json()
    with websocket(client, "/ws/predict") as socket:
        for image in (face, b"no image", face):
            socket.send(image)
        first, problem, second = (told(socket) for _ in range(3))
    assert first["faces"] == second["faces"] == uploaded["faces"]
    assert (problem["status"], problem["type"]) == (422, "urn:emotion:problem:invalid-image")


def test_the_same_video_over_a_websocket_gives_the_same_answers(client: httpx.Client) -> None:
    # Two faces that move by three pixels a frame; the frames come at irregular times.
    frames = [images.encode(np.roll(images.two_faces(), 3 * number, axis=1)) for number in range(12)]
    times = [0.04 * number + (0.5 if number > 6 else 0.0) for number in range(12)]
    runs = []
    for _ in range(2):
        with websocket(client, "/ws/predict?track=true") as socket:
            for image, at_s in zip(frames, times, strict=True):
                socket.send(json.dumps({"at_s": at_s}))
                socket.send(image)
            runs.append([told(socket) for _ in frames])
    seen = [[(answer["at_s"], answer["faces"], answer["events"]) for answer in run] for run in runs]
    assert seen[0] == seen[1]
    assert [answer["at_s"] for answer in runs[0]] == times
    assert {face["face_id"] for answer in runs[0] for face in answer["faces"]} == {"face-1", "face-2"}
    assert all(
        sum(face["smoothed"].values()) == pytest.approx(1, abs=1e-3) for answer in runs[0] for face in answer["faces"]
    )


def test_too_many_times_of_frames_close_the_connection(client: httpx.Client) -> None:
    with websocket(client, "/ws/predict?track=true") as socket:
        with suppress(ConnectionClosed):
            for _ in range(50_000):
                socket.send('{"at_s": 0}')
        assert close_code(socket) in (1008, None)  # the code is lost if the connection is cut while the client sends


def test_a_message_far_over_the_limit_ends_its_connection(client: httpx.Client) -> None:
    with websocket(client, "/ws/predict") as socket:
        socket.send(bytes(10_500_000))
        assert told(socket)["status"] == 413
        # The code gets lost where the connection is cut while the client still sends.
        assert close_code(socket, bytes(12_000_000)) in (1009, None)


def test_a_websocket_of_no_camera_is_refused_with_a_problem(client: httpx.Client) -> None:
    with pytest.raises(InvalidStatus) as refused:
        websocket(client, "/ws/cameras/nowhere")
    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body or b"")["type"] == "urn:emotion:problem:camera-not-found"


@pytest.mark.parametrize("query", ["", "?overlay=1", "?blur=1", "?overlay=1&blur=1"])
def test_a_video_is_one_jpeg_after_the_other(client: httpx.Client, query: str) -> None:
    with pictures(client, query) as video:
        for jpeg in islice(video, 3):
            assert Image.open(io.BytesIO(jpeg)).size == (1280, 720)


@pytest.mark.parametrize("query", ["?fps=5", "?overlay=1", "?blur=1"])
def test_websocket_video_sends_the_frame_id_of_each_image(client: httpx.Client, query: str) -> None:
    with websocket(client, f"/ws/cameras/cam0/video{query}") as socket:
        heads = []
        for _ in range(3):
            heads.append(told(socket))
            jpeg = socket.recv(timeout=DEFAULT_TIMEOUT_S)
            assert isinstance(jpeg, bytes)
            assert Image.open(io.BytesIO(jpeg)).size == (1280, 720)
    times = [head["at_s"] for head in heads]
    assert times == sorted(set(times))
    assert all(abs(int(head["frame_id"].split("-")[0]) / 1e3 - head["at_s"]) < 1 for head in heads)
    if query == "?fps=5":
        assert times[2] - times[0] > 0.3


def test_a_video_of_no_camera_is_a_problem(client: httpx.Client) -> None:
    answer = client.get("/cameras/nowhere/video")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:emotion:problem:camera-not-found")


def test_disconnected_clients_leave_nothing_behind(client: httpx.Client) -> None:
    for _ in range(5):
        with events(client) as feed:
            next(results(feed))
        with websocket(client, "/ws/cameras/cam0") as socket:
            told(socket)
        with pictures(client) as video:
            next(video)
        with websocket(client, "/ws/cameras/cam0/video") as socket:
            told(socket)

    def metric(name: str) -> float:
        return next(
            float(line.split()[1]) for line in client.get("/metrics").text.splitlines() if line.startswith(f"{name} ")
        )

    wait_until(lambda: metric("gateway_viewers") == 0, "all viewers to be gone")
    wait_until(lambda: metric("gateway_live_sessions") == 0, "the session to end")


def test_shutdown_notifies_all_subscribers_at_once(stack: Stack, tmp_path: Path) -> None:
    with (
        another_gateway(stack, tmp_path) as (process, client),
        events(client) as feed,
        pictures(client) as video,
        websocket(client, "/ws/cameras/cam0") as socket,
        websocket(client, "/ws/predict") as images,
    ):
        next(results(feed))
        next(video)
        told(socket)
        process.send_signal(signal.SIGTERM)
        assert list(feed)[-1].data == {"event": "status", "camera": "cam0", "state": "closing", "problem": None}
        assert all(jpeg.startswith(b"\xff\xd8") for jpeg in video)
        for left in (socket, images):
            assert close_code(left) == 1001
        assert process.exit_status() == 0
    assert "Traceback" not in process.log()
