import json
from typing import Any

import pytest
from hypothesis import given

from services.contracts.cameras import CameraList, CameraStatus, CameraView, is_camera_id
from services.contracts.messages import MalformedMessageError
from tests.unit.contracts.samples import statuses

FIELDS = {
    b"state": b"online",
    b"source": b"0",
    b"fps": b"29.97",
    b"width": b"1280",
    b"height": b"720",
    b"published": b"3",
    b"dropped": b"2",
    b"reconnects": b"1",
    b"last_error": b"",
}


@given(statuses)
def test_a_status_survives_redis(status: CameraStatus) -> None:
    fields = {name.encode(): value.encode() for name, value in status.encode().items()}
    assert CameraStatus.decode(fields) == status


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_malformed_and_named(name: bytes) -> None:
    with pytest.raises(MalformedMessageError, match=name.decode()):
        CameraStatus.decode({key: value for key, value in FIELDS.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"state", b"asleep"),
        (b"fps", b"fast"),
        (b"fps", b"nan"),
        (b"fps", b"inf"),
        (b"width", b"1.5"),
        (b"published", b""),
        (b"state", b"\xff"),
    ],
)
def test_a_value_that_can_not_be_read_is_malformed(name: bytes, value: bytes) -> None:
    with pytest.raises(MalformedMessageError, match="camera status"):
        CameraStatus.decode({**FIELDS, name: value})


@pytest.mark.parametrize("text", ["0", "cam0", "front-door_2", "a" * 32])
def test_names_of_cameras(text: str) -> None:
    assert is_camera_id(text)


@pytest.mark.parametrize("text", ["", "-cam", "_cam", "Cam", "cam:0", "cam 0", "cam0\n", "kamera-tür", "a" * 33])
def test_texts_that_can_not_name_a_camera(text: str) -> None:
    assert not is_camera_id(text)


CAMERA = CameraView("cam0", "online", "demo", 29.9, 1280, 720, None, 100, 2, 1, "")


def test_the_list_survives_json() -> None:
    cameras = CameraList((CAMERA,))
    assert CameraList.from_json(cameras.to_json()) == cameras


def test_unknown_fields_are_ignored() -> None:
    sent: dict[str, Any] = json.loads(CameraList((CAMERA,)).to_json())
    sent["cameras"] = [{**camera, "lens": "wide"} for camera in sent["cameras"]]
    assert CameraList.from_json(json.dumps(sent)).cameras == (CAMERA,)


@pytest.mark.parametrize("answer", [{}, {"cameras": 1}, {"cameras": [{}]}, {"cameras": ["cam0"]}])
def test_another_object_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessageError):
        CameraList.from_json(json.dumps(answer))
