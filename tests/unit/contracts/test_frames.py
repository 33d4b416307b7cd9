import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.frames import FrameMessage, captured_at_us, frames_key
from services.contracts.messages import MalformedMessageError
from tests.unit.contracts.samples import frames

FIELDS = {b"jpeg": b"\xff\xd8", b"captured_at": b"5", b"delay_us": b"4", b"width": b"3", b"height": b"2", b"seq": b"1"}


def as_redis_returns(fields: dict[str, bytes | int]) -> dict[bytes, bytes]:
    return {name.encode(): value if isinstance(value, bytes) else b"%d" % value for name, value in fields.items()}


@given(frames)
def test_a_frame_survives_redis(frame: FrameMessage) -> None:
    assert FrameMessage.decode(as_redis_returns(frame.encode())) == frame


def test_unknown_fields_are_ignored() -> None:
    assert FrameMessage.decode({**FIELDS, b"later": b"x"}) == FrameMessage(b"\xff\xd8", 5, 4, 3, 2, 1)


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_malformed_and_named(name: bytes) -> None:
    with pytest.raises(MalformedMessageError, match=name.decode()):
        FrameMessage.decode({key: value for key, value in FIELDS.items() if key != name})


@pytest.mark.parametrize("name", [name for name in FIELDS if name != b"jpeg"])
@pytest.mark.parametrize("value", [b"", b"x", b"1.5", b"\xff"])
def test_a_number_that_is_none_is_malformed(name: bytes, value: bytes) -> None:
    with pytest.raises(MalformedMessageError, match="frame"):
        FrameMessage.decode({**FIELDS, name: value})


@given(st.integers(0, 2**47), st.integers(0, 2**20), st.integers(0, 10**7))
def test_capture_time_is_the_entry_id_less_the_delay(milliseconds: int, sequence: int, delay_us: int) -> None:
    assert captured_at_us(f"{milliseconds}-{sequence}", delay_us) == milliseconds * 1000 - delay_us


@pytest.mark.parametrize("entry_id", ["", "-", "1", "1-", "-1", "1-x", "x-1", "1.5-0", "-1-0", "1-0-0", f"{10**15}-0"])
def test_an_entry_id_of_another_form_is_malformed(entry_id: str) -> None:
    with pytest.raises(MalformedMessageError, match="frame id"):
        captured_at_us(entry_id, 0)


@pytest.mark.parametrize("delay_us", [b"-1", b"10000001", b"1000000000000000000000000"])
def test_a_delay_that_cannot_be_is_malformed(delay_us: bytes) -> None:
    with pytest.raises(MalformedMessageError, match="delay"):
        FrameMessage.decode({**FIELDS, b"delay_us": delay_us})


def test_each_camera_has_its_own_stream() -> None:
    assert frames_key("cam0") != frames_key("cam1")
