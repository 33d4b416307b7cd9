"""WebSockets: who is let in, what a camera's feed says, and one answer for each image."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from services.contracts.problems import ProblemKind, ServiceError
from tests.support.gateway_fakes import FakeFrames, FakeModel, FakeServices, frame
from tests.unit.gateway.conftest import Gateway

DOWN = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="redis")


def refusal(client: TestClient, address: str, **headers: str) -> tuple[int, str]:
    """Return the status and the kind of problem with which a WebSocket is refused."""
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(address, headers=headers):
        pass
    body = refused.value.json()
    assert body["request_id"] == refused.value.headers["X-Request-ID"]
    assert refused.value.headers["Content-Type"] == "application/problem+json"
    return refused.value.status_code, body["type"].rpartition(":")[2]


def told(socket: WebSocketTestSession) -> dict[str, Any]:
    received: dict[str, Any] = json.loads(socket.receive_text())
    return received


@pytest.mark.parametrize(
    ("address", "status", "slug"),
    [
        ("/ws/cameras/nowhere", 404, "camera-not-found"),
        ("/ws/cameras/BAD", 422, "invalid-parameter"),
        ("/ws/cameras/cam0?fps=0", 422, "invalid-parameter"),
        ("/ws/cameras/cam0?fps=nan", 422, "invalid-parameter"),
        ("/ws/cameras/cam0?fps=fast", 422, "invalid-parameter"),
        ("/ws/cameras/cam0?after=yesterday", 422, "invalid-parameter"),
        ("/ws/cameras/nowhere/video", 404, "camera-not-found"),
        ("/ws/cameras/BAD/video", 422, "invalid-parameter"),
        ("/ws/cameras/cam0/video?fps=0", 422, "invalid-parameter"),
        ("/ws/cameras/cam0/video?blur=perhaps", 422, "invalid-parameter"),
        ("/ws/elsewhere", 404, "not-found"),
        ("/", 404, "not-found"),
    ],
)
def test_a_websocket_that_cannot_be_is_refused_with_a_problem(
    gateway: Gateway, address: str, status: int, slug: str
) -> None:
    assert refusal(gateway(), address) == (status, slug)


@pytest.mark.parametrize("address", ["/ws/cameras/cam0", "/ws/cameras/cam0/video", "/ws/predict"])
def test_keys_are_asked_for_and_may_stand_in_the_query(gateway: Gateway, address: str) -> None:
    client = gateway(api_keys="secret,später")
    assert refusal(client, address) == (401, "unauthorized")
    assert refusal(client, f"{address}?key=wrong") == (401, "unauthorized")
    for address_with_key, headers in (
        (f"{address}?key=secret", {}),
        (f"{address}?key=sp%C3%A4ter", {}),
        (address, {"X-API-Key": "secret"}),
        (address, {"Authorization": "Bearer secret"}),
    ):
        with client.websocket_connect(address_with_key, headers=headers):
            pass


def test_other_routes_take_no_key_from_the_query(gateway: Gateway) -> None:
    client = gateway(api_keys="secret")
    assert client.get("/predict", params={"key": "secret"}).status_code == 401
    assert client.get("/cameras/nowhere/events", params={"key": "secret"}).status_code == 404
    assert client.get("/cameras/nowhere/video", params={"key": "secret"}).status_code == 404


def test_connections_and_images_count_against_the_rate(gateway: Gateway) -> None:
    client = gateway(rate_limit="3/hour")
    with client.websocket_connect("/ws/predict") as socket:
        statuses = []
        for _ in range(3):
            socket.send_bytes(b"image")
            statuses.append(told(socket).get("status", 200))
    assert statuses == [200, 200, 429]
    assert refusal(client, "/ws/predict") == (429, "rate-limited")
    assert client.get("/cameras").status_code == 429, "all routes are counted together"


def test_a_cameras_feed_begins_with_a_result(gateway: Gateway) -> None:
    with gateway().websocket_connect("/ws/cameras/cam0") as socket:
        first = told(socket)
    assert (first["event"], first["emotion"], first["dropped"]["viewer"]) == ("result", "happy", 0)
    assert first["faces"][0]["face_id"]


def test_a_cameras_picture_comes_after_the_id_of_its_frame(gateway: Gateway) -> None:
    newest = frame("1700000000000-3", jpeg=b"\xff\xd8bytes")
    with gateway(FakeServices(frames=FakeFrames.with_camera(newest=newest))).websocket_connect(
        "/ws/cameras/cam0/video"
    ) as socket:
        socket.send_text("what is sent is ignored")
        assert told(socket) == {"frame_id": "1700000000000-3", "at_s": newest.captured_at_us / 1e6}
        assert socket.receive_bytes() == b"\xff\xd8bytes"


def test_a_picture_without_a_fresh_frame_is_refused(gateway: Gateway) -> None:
    client = gateway(FakeServices(frames=FakeFrames.with_camera(newest=frame(age_ms=60_000))))
    assert refusal(client, "/ws/cameras/cam0/video") == (503, "no-fresh-frame")


def test_what_a_viewer_sends_is_ignored(gateway: Gateway) -> None:
    # The frame stays fresh, however long the machine stands still.
    with gateway(max_frame_age_s=3600).websocket_connect("/ws/cameras/cam0") as socket:
        for _ in range(50):
            socket.send_text("hello")
        assert told(socket)["event"] == "result"


def test_while_redis_is_down_a_viewer_is_let_in_and_told(gateway: Gateway) -> None:
    with gateway(FakeServices(frames=FakeFrames(error=DOWN))).websocket_connect("/ws/cameras/cam0") as socket:
        status = told(socket)
    assert (status["event"], status["state"]) == ("status", "problem")
    assert status["problem"]["dependency"] == "redis"


@contextmanager
def images(
    gateway: Gateway, services: FakeServices | None = None, **settings: object
) -> Iterator[WebSocketTestSession]:
    with gateway(services, **settings).websocket_connect("/ws/predict") as socket:
        yield socket


def test_each_image_gets_one_answer_in_order(gateway: Gateway) -> None:
    services = FakeServices()
    with images(gateway, services) as socket:
        for number in range(5):
            socket.send_bytes(f"image {number}".encode())
        answers = [told(socket) for _ in range(5)]
    assert services.detector.images == [f"image {number}".encode() for number in range(5)]
    assert [answer["source"] for answer in answers] == [{"kind": "upload"}] * 5
    assert len({answer["request_id"] for answer in answers}) == 5


def test_a_message_that_is_no_image_gets_a_problem_and_the_connection_goes_on(gateway: Gateway) -> None:
    services = FakeServices()
    with images(gateway, services, body_limit_bytes=100) as socket:
        socket.send_text("hello")
        assert told(socket)["status"] == 415
        socket.send_bytes(b"")
        assert told(socket)["status"] == 422
        socket.send_bytes(bytes(101))
        too_large = told(socket)
        assert (too_large["status"], too_large["limit_bytes"]) == (413, 100)
        services.detector.error = ServiceError(ProblemKind.INVALID_IMAGE, "cut off")
        socket.send_bytes(b"broken")
        assert told(socket)["detail"] == "cut off"
        services.detector.error = None
        socket.send_bytes(b"image")
        assert told(socket)["emotion"] == "happy"


def test_a_bug_is_a_problem_without_its_text_and_the_connection_goes_on(gateway: Gateway) -> None:
    services = FakeServices(model=FakeModel(error=ZeroDivisionError("secret")))
    with images(gateway, services) as socket:
        socket.send_bytes(b"image")
        problem = told(socket)
        assert problem["status"] == 500
        assert "secret" not in json.dumps(problem)
        services.model.error = None
        socket.send_bytes(b"image")
        assert told(socket)["emotion"] == "happy"


def track(socket: WebSocketTestSession, times: Sequence[float | None], image: bytes = b"image") -> list[dict[str, Any]]:
    """Send images, each after its time if it has one, and return the answers."""
    for at_s in times:
        if at_s is not None:
            socket.send_text(json.dumps({"at_s": at_s}))
        socket.send_bytes(image)
    return [told(socket) for _ in times]


def without_request(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("request_id", "timings_ms")}


def test_tracked_images_are_frames_of_one_video(gateway: Gateway) -> None:
    client = gateway()
    runs = []
    for _ in range(2):
        with client.websocket_connect("/ws/predict?track=true") as socket:
            runs.append([without_request(answer) for answer in track(socket, [0.0, 0.1, 0.25, 1.0, 1.0])])
    assert runs[0] == runs[1]
    assert [answer["at_s"] for answer in runs[0]] == [0.0, 0.1, 0.25, 1.0, 1.0]
    faces = [face for answer in runs[0] for face in answer["faces"]]
    assert {face["face_id"] for face in faces} == {"face-1"}
    assert all(face["smoothed"]["happy"] == pytest.approx(0.6) for face in faces)
    (event,) = [event for answer in runs[0] for event in answer["events"]]
    assert (event["kind"], event["face_id"], event["emotion"]) == ("emotion_started", "face-1", "happy")


def test_tracked_images_without_times_count_by_arrival(gateway: Gateway) -> None:
    with gateway().websocket_connect("/ws/predict?track=true") as socket:
        first, second = track(socket, [None, None])
    assert first["at_s"] == 0.0 <= second["at_s"]
    assert first["faces"][0]["face_id"] == second["faces"][0]["face_id"]


@pytest.mark.parametrize("text", ["hello", "{}", '{"at_s": NaN}', '{"at_s": "1"}', '{"at_s": 1.9}', "x" * 10_000])
def test_a_time_that_cannot_be_used_gets_a_problem_and_loses_nothing(gateway: Gateway, text: str) -> None:
    with gateway().websocket_connect("/ws/predict?track=true") as socket:
        (before,) = track(socket, [2.0])
        socket.send_text(text)
        problem = told(socket)
        (after,) = track(socket, [2.5])
    assert (problem["status"], problem["type"]) == (422, "urn:emotion:problem:invalid-parameter")
    assert "at_s" not in problem
    assert len(problem["detail"]) < 200
    assert after["at_s"] == 2.5
    assert after["faces"][0]["face_id"] == before["faces"][0]["face_id"]


def test_an_image_that_fails_is_answered_in_its_place_and_tracking_goes_on(gateway: Gateway) -> None:
    services = FakeServices()
    with gateway(services).websocket_connect("/ws/predict?track=true") as socket:
        (before,) = track(socket, [2.0])
        (empty,) = track(socket, [2.1], b"")
        services.detector.error = ServiceError(ProblemKind.INVALID_IMAGE, "cut off")
        (broken,) = track(socket, [2.2])
        services.detector.error = None
        (after,) = track(socket, [2.3])
    assert [(answer["status"], answer["at_s"]) for answer in (empty, broken)] == [(422, 2.1), (422, 2.2)]
    assert after["faces"][0]["face_id"] == before["faces"][0]["face_id"]


def test_untracked_answers_have_no_fields_of_a_video(gateway: Gateway) -> None:
    with images(gateway) as socket:
        socket.send_bytes(b"image")
        answer = told(socket)
    assert not {"at_s", "events"} & answer.keys()
    assert answer["faces"][0]["face_id"] is None


def test_who_brings_no_image_for_long_is_let_go(gateway: Gateway) -> None:
    with images(gateway, ws_idle_timeout_s=0.05) as socket:
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
        assert (closed.value.code, closed.value.reason) == (1000, "no image for 0.05 s")


def test_connections_for_images_are_as_few_as_uploads(gateway: Gateway) -> None:
    client = gateway(max_uploads=1)
    with client.websocket_connect("/ws/predict"):
        assert refusal(client, "/ws/predict") == (503, "overloaded")


def test_viewers_are_limited(gateway: Gateway) -> None:
    client = gateway(max_viewers=1)
    with client.websocket_connect("/ws/cameras/cam0"):
        assert refusal(client, "/ws/cameras/cam0") == (503, "overloaded")
        assert client.get("/cameras/cam0/events").status_code == 503
