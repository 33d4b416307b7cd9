from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.api.cameras import camera_view
from services.gateway.protocols import KnownCamera, ListedCamera
from tests.support.gateway_fakes import ONLINE, FakeDetector, FakeFrames, FakeServices, frame
from tests.unit.gateway.conftest import Gateway


def test_cameras_are_listed_with_their_state(gateway: Gateway) -> None:
    known = {"door": KnownCamera("door", None, None), "cam0": KnownCamera("cam0", ONLINE, frame(age_ms=40))}
    first, second = gateway(FakeServices(frames=FakeFrames(known))).get("/cameras").json()["cameras"]
    assert 40 <= first.pop("age_ms") < 5000
    assert first == {
        "id": "cam0",
        "state": "online",
        "source": "demo",
        "fps": 30.0,
        "width": 1280,
        "height": 720,
        "published": 100,
        "dropped": 2,
        "reconnects": 1,
        "last_error": "",
    }
    assert (second["id"], second["state"], second["age_ms"]) == ("door", "offline", None)


def test_no_camera_is_an_empty_list(gateway: Gateway) -> None:
    assert gateway(FakeServices(frames=FakeFrames())).get("/cameras").json() == {"cameras": []}


def test_a_frame_passes_through_untouched(gateway: Gateway) -> None:
    answer = gateway(FakeServices(frames=FakeFrames.with_camera(newest=frame(jpeg=b"\xff\xd8bytes")))).get(
        "/cameras/cam0/frame.jpg"
    )
    assert answer.content == b"\xff\xd8bytes"
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Id"] == "1700000000000-0"
    assert float(answer.headers["X-Frame-Age-Ms"]) >= 40


def test_missing_frames_are_problems(gateway: Gateway) -> None:
    known = {"old": KnownCamera("old", ONLINE, frame(age_ms=60_000))}
    client = gateway(FakeServices(frames=FakeFrames(known)))
    statuses = [client.get(f"/cameras/{camera}/frame.jpg").status_code for camera in ("old", "none", "BAD")]
    assert statuses == [503, 404, 422]


def test_services_lists_the_state_of_each_dependency(gateway: Gateway) -> None:
    down = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "gone fishing", dependency="detector")
    services = gateway(FakeServices(detector=FakeDetector(error=down))).get("/services").json()["services"]
    assert services["redis"] == {"ok": True, "required": False, "detail": "answers"}
    assert services["detector"] == {"ok": False, "required": True, "detail": "gone fishing"}
    assert services["model"]["ok"] is True


def test_ready_while_uploads_can_be_answered(gateway: Gateway) -> None:
    down = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down")
    without_redis = gateway(FakeServices(frames=FakeFrames(error=down))).get("/readyz")
    without_detector = gateway(FakeServices(detector=FakeDetector(error=down))).get("/readyz")
    assert (without_redis.status_code, without_redis.json()["status"]) == (200, "degraded")
    assert (without_detector.status_code, without_detector.json()["status"]) == (503, "unready")


def test_requests_at_about_the_same_time_share_one_list(gateway: Gateway) -> None:
    store = FakeFrames.with_camera()
    client = gateway(FakeServices(frames=store))
    ages = [client.get("/cameras").json()["cameras"][0]["age_ms"] for _ in range(5)]
    assert store.listings < 5
    assert ages == sorted(ages), "a frame grows older meanwhile"


def test_a_camera_whose_status_cannot_be_read_is_listed_as_failed() -> None:
    view = camera_view(ListedCamera("door", None, None, 0.0, "camera status: fps is missing"))
    assert (view.state, view.last_error) == ("failed", "camera status: fps is missing")
    assert camera_view(ListedCamera("door", None, None, 0.0)).state == "offline"
