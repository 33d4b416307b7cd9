"""The exact keys, fields and bytes that capture and gateway of different versions exchange."""

from services.contracts import cameras, frames
from services.contracts.cameras import CameraState, CameraStatus
from services.contracts.frames import FrameMessage


def test_key_names() -> None:
    assert frames.frames_key("cam0") == "frames:cam0"
    assert cameras.status_key("cam0") == "camera:cam0"
    assert cameras.CAMERAS_KEY == "cameras"


def test_lifetimes() -> None:
    assert frames.FRAMES_TTL_S == 10
    assert cameras.FORGET_AFTER_S == 86_400
    assert cameras.STATUS_TTL_S > 2 * cameras.HEARTBEAT_INTERVAL_S, "one late heartbeat must not end a camera"


def test_camera_name_pattern() -> None:
    assert cameras.CAMERA_ID_PATTERN == "^[a-z0-9][a-z0-9_-]{0,31}$"


def test_camera_states() -> None:
    assert [state.value for state in CameraState] == ["online", "reconnecting", "failed", "finished"]


def test_frame_fields() -> None:
    frame = FrameMessage(
        jpeg=b"\xff\xd8\xff\xd9", captured_at_us=1_763_000_000_000_001, delay_us=4200, width=1280, height=720, seq=17
    )
    assert frame.encode() == {
        "jpeg": b"\xff\xd8\xff\xd9",
        "captured_at": 1_763_000_000_000_001,
        "delay_us": 4200,
        "width": 1280,
        "height": 720,
        "seq": 17,
    }


def test_frame_bytes_are_read() -> None:
    fields = {
        b"jpeg": b"\xff\xd8\xff\xd9",
        b"captured_at": b"1763000000000001",
        b"delay_us": b"4200",
        b"width": b"1280",
        b"height": b"720",
        b"seq": b"17",
    }
    assert FrameMessage.decode(fields) == FrameMessage(b"\xff\xd8\xff\xd9", 1_763_000_000_000_001, 4200, 1280, 720, 17)


def test_capture_time_by_redis_clock() -> None:
    assert frames.captured_at_us("1763000000000-0", 4200) == 1_762_999_999_995_800


def test_camera_status_hash() -> None:
    status = CameraStatus(
        state=CameraState.RECONNECTING,
        source="rtsp://10.0.0.7/stream",
        fps=29.9666,
        width=1280,
        height=720,
        published=1200,
        dropped=3,
        reconnects=2,
        last_error="no frame for 5 s",
        delay_us=4200,
    )
    assert status.encode() == {
        "state": "reconnecting",
        "source": "rtsp://10.0.0.7/stream",
        "fps": "29.97",
        "width": "1280",
        "height": "720",
        "published": "1200",
        "dropped": "3",
        "reconnects": "2",
        "last_error": "no frame for 5 s",
        "delay_us": "4200",
    }
