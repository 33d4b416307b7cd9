import pytest
from hypothesis import given

from services.contracts.cameras import CameraStatus, is_camera_id
from services.contracts.messages import MalformedMessage
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
    with pytest.raises(MalformedMessage, match=name.decode()):
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
    with pytest.raises(MalformedMessage, match="camera status"):
        CameraStatus.decode({**FIELDS, name: value})


@pytest.mark.parametrize("text", ["0", "cam0", "front-door_2", "a" * 32])
def test_names_of_cameras(text: str) -> None:
    assert is_camera_id(text)


@pytest.mark.parametrize("text", ["", "-cam", "_cam", "Cam", "cam:0", "cam 0", "cam0\n", "kamera-tür", "a" * 33])
def test_texts_that_can_not_name_a_camera(text: str) -> None:
    assert not is_camera_id(text)
