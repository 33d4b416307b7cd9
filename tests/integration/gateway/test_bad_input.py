"""Whatever comes in: the agreed answer, as a problem, and nothing is lost."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tests.support import images
from tests.support.stack import Stack

JPEG = {"Content-Type": "image/jpeg"}
PNG = {"Content-Type": "image/png"}


def slug(answer: httpx.Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert {"type", "title", "detail"} <= set(body)
    return str(body["type"].rpartition(":")[2])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"this is not an image", "invalid-image"),
        (images.encode(images.one_face())[:20_000], "invalid-image"),
        (images.encode(images.one_face(), ".png")[:50_000], "invalid-image"),
        (images.huge_png(), "image-too-large"),
        (b"", "invalid-image"),
    ],
    ids=["not an image", "truncated JPEG", "truncated PNG", "20,000 × 20,000 PNG", "empty"],
)
def test_pictures_that_cannot_be_used(client: httpx.Client, data: bytes, expected: str) -> None:
    answer = client.post("/predict", content=data, headers=JPEG)
    assert (answer.status_code, slug(answer)) == (422, expected)


@pytest.mark.parametrize(
    ("data", "faces"),
    [
        (images.encode(np.zeros((1, 1, 3), np.uint8), ".png"), 0),
        (images.encode(images.no_face()), 0),
        (images.animated_webp(images.one_face(), images.no_face()), 1),
        (images.animated_webp(images.no_face(), images.one_face()), 0),
        (images.png_16_bit(images.one_face()), 1),
        (images.rgba_png(images.one_face()), 1),
    ],
    ids=["1 × 1", "no face", "animation with a face first", "animation without", "16-bit PNG", "RGBA PNG"],
)
def test_unusual_pictures_are_answered(client: httpx.Client, data: bytes, faces: int) -> None:
    answer = client.post("/predict", content=data, headers={"Content-Type": "application/octet-stream"})
    assert (answer.status_code, len(answer.json()["faces"])) == (200, faces)


def chunks(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield bytes(1_000_000)


def test_50_mb_body_is_rejected_with_and_without_content_length(client: httpx.Client) -> None:
    announced = client.post("/predict", content=bytes(50_000_000), headers=JPEG)
    chunked = client.post("/predict", content=chunks(50), headers=JPEG)
    form = client.post("/predict", files={"image": ("a.jpg", bytes(50_000_000), "image/jpeg")})
    assert [announced.status_code, chunked.status_code, form.status_code] == [413] * 3
    assert slug(announced) == slug(chunked) == slug(form) == "body-too-large"


@pytest.mark.parametrize(
    ("method", "url", "status", "expected"),
    [
        ("GET", "/predict?camera=No%20Such", 422, "invalid-parameter"),
        ("GET", "/predict?camera=elsewhere", 404, "camera-not-found"),
        ("GET", "/cameras/elsewhere/frame.jpg", 404, "camera-not-found"),
        ("GET", "/nowhere", 404, "not-found"),
        ("DELETE", "/predict", 405, "method-not-allowed"),
        ("POST", "/cameras", 405, "method-not-allowed"),
    ],
)
def test_wrong_addresses(client: httpx.Client, method: str, url: str, status: int, expected: str) -> None:
    answer = client.request(method, url)
    assert (answer.status_code, slug(answer)) == (status, expected)


def test_bodies_of_the_wrong_kind(client: httpx.Client) -> None:
    web_page = client.post("/predict", content=b"x", headers={"Content-Type": "text/html"})
    wrong_field = client.post("/predict", files={"picture": b"x"})
    no_boundary = client.post("/predict", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert (web_page.status_code, slug(web_page)) == (415, "unsupported-media-type")
    assert (wrong_field.status_code, slug(wrong_field)) == (422, "invalid-parameter")
    assert (no_boundary.status_code, slug(no_boundary)) == (422, "invalid-parameter")


def test_unusual_headers_are_handled(client: httpx.Client) -> None:
    image = images.encode(images.no_face())
    for odd in (
        {"X-Request-ID": "x" * 10_000},
        {"X-Request-ID": "a b\tc"},
        {"Content-Type": 'image/jpeg; charset="unclosed'},
        {"Content-Type": ";;;"},
        {"Authorization": "Bearer"},
    ):
        assert client.post("/predict", content=image, headers={**JPEG, **odd}).status_code == 200


def test_memory_does_not_grow_with_bad_input(stack: Stack) -> None:
    def abuse(times: int) -> None:
        for _ in range(times):
            stack.client.post("/predict", content=images.huge_png(), headers=PNG)
            stack.client.post("/predict", content=bytes(20_000_000), headers=JPEG)
            stack.client.post("/predict", content=chunks(20), headers=JPEG)
            stack.client.post("/predict", content=b"\xff\xd8" + bytes(9_000_000), headers=JPEG)

    abuse(3)  # until buffers have the size that they will keep
    before = stack.gateway.resident_mb(), stack.detector.tree_resident_mb()
    abuse(10)
    after = stack.gateway.resident_mb(), stack.detector.tree_resident_mb()
    assert after[0] - before[0] < 15
    assert after[1] - before[1] < 15
