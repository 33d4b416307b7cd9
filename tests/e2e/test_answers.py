"""Predictions, uploads and pages of the running stack."""

import re
from typing import Any

import httpx
import pytest

from services.contracts.emotions import EMOTIONS
from tests.e2e.docker import inspect
from tests.e2e.stack import SERVICES, Stack
from tests.support import images
from tests.support.waiting import wait_until


def test_demo_camera_has_a_face_with_an_emotion(client: httpx.Client) -> None:
    body = wait_until(lambda: with_a_face(client), "a frame with a face", 20)
    assert body is not None
    assert body["source"]["camera"] == "cam0"
    assert 0 < body["source"]["age_ms"] < 2000
    assert body["image"] == {"width": 1280, "height": 720}
    (face,) = body["faces"]
    assert face["box"]["w"] > 100
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert body["emotion"] == face["emotion"] in [emotion.value for emotion in EMOTIONS]
    assert body["model"] == {"name": "emotion", "version": body["model"]["version"]}


def with_a_face(client: httpx.Client) -> dict[str, Any] | None:
    body: dict[str, Any] = client.get("/predict").raise_for_status().json()
    return body if body["faces"] else None


def test_frames_advance(client: httpx.Client) -> None:
    first = client.get("/predict").json()["source"]["frame_id"]
    wait_until(lambda: client.get("/predict").json()["source"]["frame_id"] != first, "a newer frame", 5)


def test_upload_returns_all_faces(client: httpx.Client) -> None:
    image = images.encode(images.two_faces())
    body = client.post("/predict", content=image, headers={"Content-Type": "image/jpeg"}).raise_for_status().json()
    assert body["source"] == {"kind": "upload"}
    assert len(body["faces"]) == 2


def test_form_upload_of_ten_megabytes_needs_no_disk(client: httpx.Client) -> None:
    padded = images.encode(images.two_faces()) + bytes(9_900_000)
    body = client.post("/predict", files={"image": ("face.jpg", padded, "image/jpeg")}).raise_for_status().json()
    assert len(body["faces"]) == 2


def test_image_contains_the_dashboard(client: httpx.Client) -> None:
    page = client.get("/")
    files = re.findall(r'(?:src|href)="(dashboard/[^"]+)"', page.text)
    assert {"dashboard/main.js", "dashboard/icon.svg"} <= set(files)
    assert [client.get(f"/{file}").status_code for file in files] == [200] * len(files)


def test_all_dependencies_are_ready(client: httpx.Client) -> None:
    services = client.get("/services").json()["services"]
    assert {"redis", "detector", "model"} <= services.keys()
    assert all(state["ok"] for state in services.values()), services
    assert client.get("/readyz").json()["status"] == "ready"


def test_only_the_gateway_is_published_on_loopback(stack: Stack) -> None:
    published = {
        (service, binding["HostIp"])
        for service in SERVICES
        for bindings in inspect(stack.container(service))["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    }
    assert published == {("gateway", "127.0.0.1")}
