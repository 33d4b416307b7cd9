"""DeepFace's API over HTTP, which is how its users ask it."""

import base64

import httpx
import pytest

from tests.support import images


def test_the_answer_is_that_of_predict(compat_gateway: httpx.Client, smile: bytes) -> None:
    uri = f"data:image/jpeg;base64,{base64.b64encode(smile).decode()}"
    by_json = compat_gateway.post(
        "/analyze", json={"img": uri, "actions": ["emotion"], "enforce_detection": True}
    ).json()
    by_form = compat_gateway.post("/analyze", files={"img": ("face.jpg", smile)}, data={"actions": "emotion"}).json()
    by_text = compat_gateway.post("/analyze", data={"img": uri}).json()
    (face,) = compat_gateway.post("/predict", content=smile, headers={"Content-Type": "image/jpeg"}).json()["faces"]
    assert by_json == by_form == by_text
    (reported,) = by_json["results"]
    assert reported["dominant_emotion"] == face["emotion"] == "happy"
    assert reported["emotion"] == pytest.approx({name: 100 * score for name, score in face["probabilities"].items()})
    assert sum(reported["emotion"].values()) == pytest.approx(100)
    assert reported["region"] == {**face["box"], "left_eye": None, "right_eye": None}


def test_all_faces_are_returned(compat_gateway: httpx.Client) -> None:
    image = images.encode(images.two_faces())
    assert len(compat_gateway.post("/analyze", files={"img": ("faces.jpg", image)}).json()["results"]) == 2


def test_errors(compat_gateway: httpx.Client, no_face: bytes) -> None:
    face = compat_gateway.post("/analyze", files={"img": ("wall.jpg", no_face)})
    lenient = compat_gateway.post("/analyze", files={"img": ("wall.jpg", no_face)}, data={"enforce_detection": "False"})
    garbage = compat_gateway.post("/analyze", files={"img": ("text.jpg", b"not an image")})
    url = compat_gateway.post("/analyze", json={"img": "http://127.0.0.1/face.jpg"})
    large = compat_gateway.post(
        "/analyze", content=b"{" + b" " * 11_000_000, headers={"Content-Type": "application/json"}
    )
    nobody_known = compat_gateway.post("/analyze", json={}, headers={"X-API-Key": "another"})
    assert lenient.json() == {"results": []}
    answers = [face, garbage, url, large, nobody_known]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 413, 401]
    assert [list(answer.json()) for answer in answers] == [["error"]] * 4 + [["message"]]
