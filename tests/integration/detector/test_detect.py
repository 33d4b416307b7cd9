from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from services.contracts.detection import Detection
from services.contracts.geometry import Box, format_roi, iou
from tests.support import images
from tests.support.processes import ModuleProcess

JPEG = {"Content-Type": "image/jpeg"}
FACE = images.encode(images.one_face())


def detect(client: httpx.Client, image: bytes = FACE, *rois: str) -> Detection:
    answer = client.post("/detect", content=image, headers=JPEG, params=[("roi", roi) for roi in rois])
    assert answer.status_code == 200, answer.text
    return Detection.from_json(answer.content)


def test_a_face_has_the_models_size(client: httpx.Client) -> None:
    detection = detect(client)
    (face,) = detection.faces
    assert (detection.image.width, detection.image.height) == (1280, 720)
    assert detection.scope == "full"
    assert len(face.pixels) == 48 * 48
    assert max(face.pixels) > 127
    assert 0 < face.sharpness < 1
    assert face.weight > 0
    assert detection.timings_ms.total >= detection.timings_ms.search > 0


def test_a_roi_is_searched_and_a_wrong_one_triggers_a_full_search(client: httpx.Client) -> None:
    (face,) = detect(client).faces
    found = detect(client, FACE, format_roi(face.box))
    wrong = detect(client, FACE, "5,5,80,80")
    assert found.scope == "roi"
    assert iou(found.faces[0].box, face.box) > 0.7
    assert wrong.scope == "full"
    assert wrong.faces[0].box == face.box


def test_a_wrong_roi_triggers_no_full_search_without_fallback(client: httpx.Client) -> None:
    answer = client.post("/detect", content=FACE, headers=JPEG, params={"roi": "5,5,80,80", "fallback": "none"})
    assert (answer.json()["scope"], answer.json()["faces"]) == ("roi", [])


def test_eight_faces_are_ordered_by_how_sure_the_cascade_is(client: httpx.Client) -> None:
    faces = detect(client, images.encode(images.eight_faces())).faces
    assert len(faces) == 8
    assert [face.weight for face in faces] == sorted((face.weight for face in faces), reverse=True)


def test_detector_is_stateless(client: httpx.Client) -> None:
    detect(client, FACE, "100,100,50,50")
    first = detect(client)
    detect(client, images.encode(images.eight_faces()))
    assert [face.box for face in detect(client).faces] == [face.box for face in first.faces]


def test_only_changed_regions_of_a_following_image_are_searched(client: httpx.Client) -> None:
    def follow(image: bytes, reference: str, *rois: str) -> dict[str, Any]:
        headers = {**JPEG, "X-Reference-Frame": reference}
        answer = client.post("/detect", content=image, headers=headers, params=[("roi", roi) for roi in rois])
        assert answer.status_code == 200, answer.text
        answered: dict[str, Any] = answer.json()
        return answered

    empty = images.encode(np.full((720, 1280, 3), 96, np.uint8))
    first = follow(empty, "")
    assert (first["scope"], first["faces"]) == ("full", [])
    second = follow(FACE, first["reference"])
    assert len(second["faces"]) == 1
    same = follow(FACE, second["reference"])
    assert (same["scope"], same["faces"]) == ("changed", [])
    assert client.post("/detect", content=FACE, headers=JPEG).json()["reference"] is None


@pytest.mark.parametrize("reference", ["what?", "AAAA", "A" * 40_000])
def test_a_malformed_reference(client: httpx.Client, reference: str) -> None:
    answer = client.post("/detect", content=FACE, headers={**JPEG, "X-Reference-Frame": reference})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:emotion:problem:invalid-parameter")


def test_a_reference_of_another_cameras_picture_costs_a_full_search(client: httpx.Client) -> None:
    small = images.encode(np.full((480, 640, 3), 96, np.uint8))
    seen = client.post("/detect", content=small, headers={**JPEG, "X-Reference-Frame": ""}).json()["reference"]
    answer = client.post("/detect", content=FACE, headers={**JPEG, "X-Reference-Frame": seen}).json()
    assert (answer["scope"], len(answer["faces"])) == ("full", 1)


@pytest.mark.parametrize(
    "roi", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,2,3,4", "1,2,0,4", "1,2,3,-4", "nan,1,1,1", f"1,2,3,{10**30}"]
)
def test_malformed_rois(client: httpx.Client, roi: str) -> None:
    answer = client.post("/detect", content=FACE, headers=JPEG, params={"roi": roi})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:emotion:problem:invalid-parameter")


def test_too_many_rois(client: httpx.Client) -> None:
    answer = client.post("/detect", content=FACE, headers=JPEG, params=[("roi", "1,2,30,40")] * 33)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:emotion:problem:invalid-parameter")


@pytest.mark.parametrize("box", [Box(-500, -500, 600, 600), Box(1279, 719, 50, 50), Box(9000, 9000, 10, 10)])
def test_rois_beyond_the_edge_are_searched_inside(client: httpx.Client, box: Box) -> None:
    assert len(detect(client, FACE, format_roi(box)).faces) == 1


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [("text/plain", FACE, 415), ("image/jpeg", b"", 422), ("image/jpeg", b"words", 422), ("image/png", FACE, 200)],
)
def test_media_types_and_bodies(client: httpx.Client, media_type: str, body: bytes, status: int) -> None:
    assert client.post("/detect", content=body, headers={"Content-Type": media_type}).status_code == status


def test_overloaded_detector_answers_or_returns_503(client: httpx.Client, detector: ModuleProcess) -> None:
    address = client.base_url.join("detect")

    def ask(_: int) -> int:
        # A connection of its own: httpcore's pool may close one as idle that another thread has just been given.
        return httpx.post(address, content=FACE, headers=JPEG, timeout=client.timeout, trust_env=False).status_code

    with ThreadPoolExecutor(40) as threads:
        statuses = set(threads.map(ask, range(120)))
    assert 200 in statuses
    assert statuses <= {200, 503}
    assert detector.tree_resident_mb() < 250
    assert client.get("/readyz").json()["dependencies"]["workers"]["ok"] is True
