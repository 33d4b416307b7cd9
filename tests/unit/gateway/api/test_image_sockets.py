"""``/ws/predict``: one answer for each image, also for the frames of one video."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from services.contracts.problems import ProblemKind, ServiceError
from tests.support.gateway_fakes import FakeModel, FakeServices
from tests.unit.gateway.conftest import Gateway


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
        answers = [socket.receive_json() for _ in range(5)]
    assert services.detector.images == [f"image {number}".encode() for number in range(5)]
    assert [answer["source"] for answer in answers] == [{"kind": "upload"}] * 5
    assert len({answer["request_id"] for answer in answers}) == 5


def test_a_message_that_is_not_an_image_gets_a_problem_and_the_connection_stays_open(gateway: Gateway) -> None:
    services = FakeServices()
    with images(gateway, services, body_limit_bytes=100) as socket:
        socket.send_text("hello")
        assert socket.receive_json()["status"] == 415
        socket.send_bytes(b"")
        assert socket.receive_json()["status"] == 422
        socket.send_bytes(bytes(101))
        too_large = socket.receive_json()
        assert (too_large["status"], too_large["limit_bytes"]) == (413, 100)
        services.detector.error = ServiceError(ProblemKind.INVALID_IMAGE, "cut off")
        socket.send_bytes(b"broken")
        assert socket.receive_json()["detail"] == "cut off"
        services.detector.error = None
        socket.send_bytes(b"image")
        assert socket.receive_json()["emotion"] == "happy"


def test_an_unexpected_error_is_a_problem_without_its_text_and_the_connection_stays_open(gateway: Gateway) -> None:
    services = FakeServices(model=FakeModel(error=ZeroDivisionError("secret")))
    with images(gateway, services) as socket:
        socket.send_bytes(b"image")
        problem = socket.receive_json()
        assert problem["status"] == 500
        assert "secret" not in json.dumps(problem)
        services.model.error = None
        socket.send_bytes(b"image")
        assert socket.receive_json()["emotion"] == "happy"


def track(socket: WebSocketTestSession, times: Sequence[float | None], image: bytes = b"image") -> list[dict[str, Any]]:
    """Send images, each after its time if it has one, and return the answers."""
    for at_s in times:
        if at_s is not None:
            socket.send_text(json.dumps({"at_s": at_s}))
        socket.send_bytes(image)
    return [socket.receive_json() for _ in times]


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
        problem = socket.receive_json()
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
        answer = socket.receive_json()
    assert not {"at_s", "events"} & answer.keys()
    assert answer["faces"][0]["face_id"] is None


def test_an_idle_connection_is_closed(gateway: Gateway) -> None:
    with images(gateway, ws_idle_timeout_s=0.05) as socket:
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
        assert (closed.value.code, closed.value.reason) == (1000, "no image for 0.05 s")


def test_image_connections_are_limited_like_uploads(gateway: Gateway) -> None:
    client = gateway(max_uploads=1)
    with (
        client.websocket_connect("/ws/predict"),
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect("/ws/predict"),
    ):
        pass
    assert refused.value.json()["type"] == ProblemKind.OVERLOADED.type
