import json
from typing import Any

import pytest

from services.contracts.camera_list import CameraList, CameraView
from services.contracts.messages import MalformedMessage

CAMERA = CameraView("cam0", "online", "demo", 29.9, 1280, 720, None, 100, 2, 1, "")


def test_the_list_survives_json() -> None:
    cameras = CameraList((CAMERA,))
    assert CameraList.decode(json.loads(json.dumps(cameras.encode()))) == cameras


def test_fields_that_are_not_known_are_ignored() -> None:
    sent: dict[str, Any] = CameraList((CAMERA,)).encode()
    sent["cameras"] = [{**camera, "lens": "wide"} for camera in sent["cameras"]]
    assert CameraList.decode(sent).cameras == (CAMERA,)


@pytest.mark.parametrize("answer", [{}, {"cameras": 1}, {"cameras": [{}]}, {"cameras": ["cam0"]}])
def test_another_object_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        CameraList.decode(answer)
