import re

import httpx
import pytest

from services.contracts.emotions import EMOTIONS
from tests.support import images
from tests.support.waiting import wait_until

JPEG = {"Content-Type": "image/jpeg"}


def test_a_camera_gives_an_emotion(client: httpx.Client) -> None:
    body = client.get("/predict").json()
    assert body["source"]["camera"] == "cam0"
    assert 0 < body["source"]["age_ms"] < 2000
    assert body["image"] == {"width": 1280, "height": 720}
    assert body["emotion"] in [emotion.value for emotion in EMOTIONS]
    assert sum(body["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert body["confidence"] == max(body["probabilities"].values())
    assert body["model"]["version"].isdecimal()


def test_the_answer_is_of_a_new_frame_each_time(client: httpx.Client) -> None:
    first = client.get("/predict").json()["source"]["frame_id"]
    wait_until(lambda: client.get("/predict").json()["source"]["frame_id"] != first, "an answer of a newer frame", 5)


def test_smile_is_happy_and_neutral_face_is_not(client: httpx.Client) -> None:
    smiling, serious = (
        client.post("/predict", content=images.encode(images.one_face(portrait)), headers=JPEG).json()
        for portrait in (images.SMILING, images.SERIOUS)
    )
    assert smiling["emotion"] == "happy"
    assert serious["emotion"] not in ("happy", None)


def test_a_body_and_a_form_give_the_same_answer(client: httpx.Client) -> None:
    image = images.encode(images.one_face())
    raw = client.post("/predict", content=image, headers=JPEG).json()
    form = client.post("/predict", files={"image": ("face.jpg", image, "image/jpeg")}).json()
    unnamed = client.post("/predict", content=image, headers={"Content-Type": "application/octet-stream"}).json()
    assert raw["source"] == {"kind": "upload"}
    assert raw["faces"] == form["faces"] == unnamed["faces"]


def test_eight_faces_are_all_answered(client: httpx.Client) -> None:
    body = client.post("/predict", content=images.encode(images.eight_faces()), headers=JPEG).json()
    assert len(body["faces"]) == 8
    assert body["emotion"] == body["faces"][0]["emotion"]


def test_boxes_are_of_the_upright_picture(client: httpx.Client) -> None:
    upright = images.one_face()
    lying = images.jpeg_with_orientation(images.turned_left(upright), 6)
    straight = client.post("/predict", content=images.encode(upright), headers=JPEG).json()
    turned = client.post("/predict", content=lying, headers=JPEG).json()
    assert turned["image"] == straight["image"] == {"width": 1280, "height": 720}
    assert turned["faces"][0]["box"]["x"] == pytest.approx(straight["faces"][0]["box"]["x"], abs=6)


def test_a_frame_is_a_jpeg_of_the_size_that_was_asked_for(client: httpx.Client) -> None:
    answer = client.get("/cameras/cam0/frame.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert images.decode(answer.content).shape == (720, 1280, 3)


def test_the_camera_is_listed(client: httpx.Client) -> None:
    (camera,) = client.get("/cameras").json()["cameras"]
    assert (camera["id"], camera["state"], camera["source"]) == ("cam0", "online", "demo")
    assert camera["published"] > 0


def test_all_services_are_there(client: httpx.Client) -> None:
    services = client.get("/services").json()["services"]
    assert {name: state["ok"] for name, state in services.items()} == {
        "redis": True,
        "detector": True,
        "model": True,
    }
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_api_document_names_every_route_and_the_answer(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert {"/predict", "/cameras", "/cameras/{camera}/frame.jpg", "/services"} <= set(document["paths"])
    assert set(document["paths"]["/predict"]) == {"get", "post"}
    schema = document["components"]["schemas"]["Prediction"]
    assert {"emotion", "faces", "probabilities", "timings_ms"} <= set(schema["properties"])


def test_the_api_reference_loads_only_own_files(client: httpx.Client) -> None:
    page = client.get("/docs").text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any(asset.endswith(".js") for asset in assets)
    assert [asset for asset in assets if "//" in asset] == []
    assert {client.get(f"/{asset}").status_code for asset in assets} == {200}
    assert client.get("/docs/nothing.js").json()["type"] == "urn:emotion:problem:not-found"


def test_metrics_count_predictions(client: httpx.Client) -> None:
    client.get("/predict")
    metrics = client.get("/metrics").text
    assert 'gateway_predictions_total{source="camera"}' in metrics
    assert 'gateway_step_seconds_count{step="infer"}' in metrics
    assert 'http_requests_total{method="GET",route="/predict",status="200"}' in metrics
