import re

import pytest

from services.contracts.emotions import EMOTIONS
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.protocols import KnownCamera
from tests.support.gateway_fakes import ONLINE, FakeDetector, FakeFrames, FakeModel, FakeServices, face, frame
from tests.unit.gateway.conftest import Gateway

JPEG = {"Content-Type": "image/jpeg"}


def test_a_camera_is_answered_with_its_frame_and_the_primary_face_on_top(gateway: Gateway) -> None:
    services = FakeServices(detector=FakeDetector(faces=(face(x=10), face(x=300))))
    answer = gateway(services).get("/predict", params={"camera": "cam0"})
    body = answer.json()
    assert answer.status_code == 200
    assert body["source"]["kind"] == "camera"
    assert body["source"]["camera"] == "cam0"
    assert body["source"]["frame_id"] == "1700000000000-0"
    assert body["source"]["captured_at"] == "2023-11-14T22:13:19.998500Z"
    assert body["source"]["age_ms"] >= 40
    assert [found["box"]["x"] for found in body["faces"]] == [10, 300]
    assert body["emotion"] == body["faces"][0]["emotion"] == "happy"
    assert body["confidence"] == body["faces"][0]["confidence"] == pytest.approx(0.6)
    assert body["reliable"] is True
    assert list(body["probabilities"]) == [emotion.value for emotion in EMOTIONS]
    assert body["faces"][0]["face_id"] is None
    assert body["faces"][0]["smoothed"] is None
    assert body["model"] == {"version": "3", "name": "emotion"}
    assert set(body["timings_ms"]) == {"frame", "detect", "infer", "total"}
    assert body["request_id"] == answer.headers["X-Request-ID"]


def test_the_only_camera_need_not_be_named(gateway: Gateway) -> None:
    assert gateway().get("/predict").json()["source"]["camera"] == "cam0"


def test_an_upload_is_answered_without_redis(gateway: Gateway) -> None:
    down = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="redis")
    services = FakeServices(frames=FakeFrames(error=down))
    answer = gateway(services).post("/predict", content=b"an image", headers=JPEG)
    assert answer.status_code == 200
    assert answer.json()["source"] == {"kind": "upload"}
    assert services.detector.images == [b"an image"]


def test_an_image_without_faces_is_answered_without_the_model(gateway: Gateway) -> None:
    services = FakeServices(detector=FakeDetector(faces=()))
    answer = gateway(services).post("/predict", content=b"x", headers=JPEG)
    body = answer.json()
    assert answer.status_code == 200
    assert body["faces"] == []
    assert [body[name] for name in ("emotion", "confidence", "reliable", "probabilities")] == [None] * 4
    assert services.model.calls == 0


def test_all_faces_of_an_image_go_to_the_model_in_one_call(gateway: Gateway) -> None:
    services = FakeServices(detector=FakeDetector(faces=tuple(face(x) for x in range(8))))
    answer = gateway(services).post("/predict", content=b"x", headers=JPEG)
    assert len(answer.json()["faces"]) == 8
    assert services.model.calls == 1


def test_a_second_request_for_the_same_frame_is_cached(gateway: Gateway) -> None:
    services = FakeServices()
    client = gateway(services)
    first, second = client.get("/predict").json(), client.get("/predict").json()
    assert first["faces"] == second["faces"]
    assert first["request_id"] != second["request_id"]
    assert len(services.detector.images) == 1


def test_a_new_frame_is_analysed(gateway: Gateway) -> None:
    services = FakeServices()
    client = gateway(services)
    client.get("/predict")
    services.frames.cameras["cam0"] = KnownCamera("cam0", ONLINE, frame("1700000000033-0", jpeg=b"next"))
    assert client.get("/predict").json()["source"]["frame_id"] == "1700000000033-0"
    assert services.detector.images == [b"jpeg", b"next"]


def test_frequent_polls_get_face_ids_and_each_frame_is_analysed_once(gateway: Gateway) -> None:
    services = FakeServices()
    client = gateway(services)
    for _ in range(2):
        assert client.get("/predict").json()["faces"][0]["face_id"] is None
    services.frames.cameras["cam0"] = KnownCamera("cam0", ONLINE, frame("1700000000033-0", jpeg=b"next"))
    answers = [client.get("/predict").json() for _ in range(3)]
    assert {answer["source"]["frame_id"] for answer in answers} == {"1700000000033-0"}
    assert len({answer["request_id"] for answer in answers}) == 3
    assert len({answer["faces"][0]["face_id"] for answer in answers}) == 1
    assert answers[0]["faces"][0]["face_id"] is not None
    assert sum(answers[0]["faces"][0]["smoothed"].values()) == pytest.approx(1)
    assert services.detector.images == [b"jpeg", b"next"]


def test_several_cameras_and_none_named_lists_them(gateway: Gateway) -> None:
    known = {name: KnownCamera(name, ONLINE, frame()) for name in ("door", "cam0")}
    answer = gateway(FakeServices(frames=FakeFrames(known))).get("/predict")
    assert answer.status_code == 422
    assert answer.json()["cameras"] == ["cam0", "door"]


def test_an_unknown_camera_is_not_found(gateway: Gateway) -> None:
    answer = gateway().get("/predict", params={"camera": "nowhere"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:emotion:problem:camera-not-found")


@pytest.mark.parametrize("camera", ["", "UPPER", "a b", "../etc", "x" * 33, "-a", "cam0\n"])
def test_a_malformed_camera_is_refused(gateway: Gateway, camera: str) -> None:
    answer = gateway().get("/predict", params={"camera": camera})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:emotion:problem:invalid-parameter")


def test_no_camera_is_503(gateway: Gateway) -> None:
    answer = gateway(FakeServices(frames=FakeFrames())).get("/predict")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:emotion:problem:no-camera")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_stale_frame_is_an_error_that_says_how_old_it_is(gateway: Gateway) -> None:
    services = FakeServices(frames=FakeFrames.with_camera(newest=frame(age_ms=5000)))
    answer = gateway(services, max_frame_age_s=2).get("/predict")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:emotion:problem:no-fresh-frame")
    assert re.search(r"is 5\.\d s old", answer.json()["detail"])
    assert answer.json()["camera"] == "cam0"
    assert services.detector.images == []


def test_a_camera_without_frames_whose_capture_has_gone_says_so(gateway: Gateway) -> None:
    services = FakeServices(frames=FakeFrames({"cam0": KnownCamera("cam0", None, None)}))
    answer = gateway(services).get("/predict")
    assert answer.status_code == 503
    assert "its capture process has gone" in answer.json()["detail"]


@pytest.mark.parametrize("kind", [ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE, ProblemKind.BODY_TOO_LARGE])
def test_an_unusable_frame_of_a_camera_is_503(gateway: Gateway, kind: ProblemKind) -> None:
    services = FakeServices(detector=FakeDetector(error=ServiceError(kind, "cut off")))
    client = gateway(services)
    assert client.get("/predict").json()["type"] == "urn:emotion:problem:no-fresh-frame"
    assert client.post("/predict", content=b"x", headers=JPEG).json()["type"] == kind.type


@pytest.mark.parametrize("kind", [ProblemKind.DEPENDENCY_UNAVAILABLE, ProblemKind.DEPENDENCY_TIMEOUT])
@pytest.mark.parametrize("culprit", ["detector", "model"])
def test_a_failing_service_is_named(gateway: Gateway, kind: ProblemKind, culprit: str) -> None:
    error = ServiceError(kind, "it fails", dependency=culprit)
    broken = FakeServices(
        detector=FakeDetector(error=error if culprit == "detector" else None),
        model=FakeModel(error=error if culprit == "model" else None),
    )
    answer = gateway(broken).get("/predict")
    assert answer.status_code == kind.status
    assert answer.json()["dependency"] == culprit


def test_a_failed_analysis_is_not_cached(gateway: Gateway) -> None:
    services = FakeServices()
    services.model.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="model")
    client = gateway(services)
    failed = client.get("/predict")
    assert (failed.status_code, failed.json()["dependency"]) == (503, "model")
    services.model.error = None
    answer = client.get("/predict")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/predict/", "/cameras/", "/healthz/"])
def test_a_trailing_slash_is_another_route(gateway: Gateway, path: str) -> None:
    answer = gateway().get(path, follow_redirects=False)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:emotion:problem:not-found")


def test_an_unexpected_error_is_a_500_problem_without_a_traceback(gateway: Gateway) -> None:
    answer = gateway(FakeServices(model=FakeModel(error=ZeroDivisionError("secret")))).get("/predict")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:emotion:problem:internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
