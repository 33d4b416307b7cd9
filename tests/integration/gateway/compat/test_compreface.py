"""CompreFace's face detection, asked by its own client."""

from typing import Any

import httpx
import pytest
from compreface import CompreFace

from tests.support import images


@pytest.fixture
def ask(compat_gateway: httpx.Client) -> Any:
    def detect(image: bytes, key: str = "KEY", **options: object) -> Any:
        address = CompreFace(f"http://{compat_gateway.base_url.host}", str(compat_gateway.base_url.port), options)
        return address.init_face_detection(key).detect(image)

    return detect


def test_the_answer_is_that_of_predict(compat_gateway: httpx.Client, ask: Any, smile: bytes) -> None:
    answer = ask(smile, det_prob_threshold=0.8, face_plugins="age,gender", status="true")
    (face,) = compat_gateway.post("/predict", content=smile, headers={"Content-Type": "image/jpeg"}).json()["faces"]
    (reported,) = answer["result"]
    box = face["box"]
    assert reported["box"] == {
        "probability": 0.97,
        "x_min": box["x"],
        "y_min": box["y"],
        "x_max": box["x"] + box["w"],
        "y_max": box["y"] + box["h"],
    }
    assert reported["emotion"] == {"value": "happy", "probability": pytest.approx(face["confidence"])}
    assert reported["execution_time"]["detector"] > 0
    assert answer["plugins_versions"]["emotion"].startswith("emotion.")


def test_no_more_faces_than_asked_for(ask: Any) -> None:
    image = images.encode(images.two_faces())
    answers = [ask(image, limit=limit) for limit in (0, 1)]
    assert [len(answer["result"]) for answer in answers] == [2, 1]
    assert [set(answer) for answer in answers] == [{"result"}] * 2


def test_errors(ask: Any, smile: bytes, no_face: bytes) -> None:
    assert ask(no_face) == {"message": "No face is found in the given image", "code": 28}
    assert ask(smile, det_prob_threshold=0.99)["code"] == 28
    assert ask(b"not an image")["code"] == 21
    assert ask(smile, key="another")["code"] == 10
