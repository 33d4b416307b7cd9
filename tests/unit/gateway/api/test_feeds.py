"""WebSocket feeds: access, results and pictures."""

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from services.contracts.problems import ProblemKind, ServiceError
from tests.support.gateway_fakes import FakeFrames, FakeServices, frame
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
def test_an_invalid_websocket_request_gets_a_problem(gateway: Gateway, address: str, status: int, slug: str) -> None:
    assert refusal(gateway(), address) == (status, slug)


@pytest.mark.parametrize("address", ["/ws/cameras/cam0", "/ws/cameras/cam0/video", "/ws/predict"])
def test_websockets_require_a_key_and_accept_it_in_the_query(gateway: Gateway, address: str) -> None:
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


def test_other_routes_ignore_a_key_in_the_query(gateway: Gateway) -> None:
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
            statuses.append(socket.receive_json().get("status", 200))
    assert statuses == [200, 200, 429]
    assert refusal(client, "/ws/predict") == (429, "rate-limited")
    assert client.get("/cameras").status_code == 429, "all routes are counted together"


def test_a_feed_starts_with_a_result(gateway: Gateway) -> None:
    with gateway().websocket_connect("/ws/cameras/cam0") as socket:
        first = socket.receive_json()
    assert (first["event"], first["emotion"], first["dropped"]["viewer"]) == ("result", "happy", 0)
    assert first["faces"][0]["face_id"]


def test_a_picture_follows_the_id_of_its_frame(gateway: Gateway) -> None:
    newest = frame("1700000000000-3", jpeg=b"\xff\xd8bytes")
    with gateway(FakeServices(frames=FakeFrames.with_camera(newest=newest))).websocket_connect(
        "/ws/cameras/cam0/video"
    ) as socket:
        socket.send_text("what is sent is ignored")
        assert socket.receive_json() == {"frame_id": "1700000000000-3", "at_s": newest.captured_at_us / 1e6}
        assert socket.receive_bytes() == b"\xff\xd8bytes"


def test_a_picture_without_a_fresh_frame_is_refused(gateway: Gateway) -> None:
    client = gateway(FakeServices(frames=FakeFrames.with_camera(newest=frame(age_ms=60_000))))
    assert refusal(client, "/ws/cameras/cam0/video") == (503, "no-fresh-frame")


def test_messages_from_a_subscriber_are_ignored(gateway: Gateway) -> None:
    # The frame stays fresh, however long the machine stands still.
    with gateway(max_frame_age_s=3600).websocket_connect("/ws/cameras/cam0") as socket:
        for _ in range(50):
            socket.send_text("hello")
        assert socket.receive_json()["event"] == "result"


def test_a_subscriber_is_accepted_and_gets_the_problem_while_redis_is_down(gateway: Gateway) -> None:
    with gateway(FakeServices(frames=FakeFrames(error=DOWN))).websocket_connect("/ws/cameras/cam0") as socket:
        status = socket.receive_json()
    assert (status["event"], status["state"]) == ("status", "problem")
    assert status["problem"]["dependency"] == "redis"


def test_subscribers_are_limited(gateway: Gateway) -> None:
    client = gateway(max_viewers=1)
    with client.websocket_connect("/ws/cameras/cam0"):
        assert refusal(client, "/ws/cameras/cam0") == (503, "overloaded")
        assert client.get("/cameras/cam0/events").status_code == 503
