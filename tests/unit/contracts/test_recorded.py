import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.messages import MalformedMessage
from services.contracts.recorded import Taken, taken_key

playings = st.text("0123456789abcdef", min_size=1, max_size=32)


@given(playings, st.integers(0, 10**18 - 1))
def test_what_was_taken_survives_redis(playing: str, seq: int) -> None:
    taken = Taken(playing, seq)
    assert Taken.decode(taken.encode().encode()) == taken


@pytest.mark.parametrize("value", [b"", b"a", b"a 1 2", b"a -1", b"A 1", b"a 1\n", b" 1", b"\xff 1", b"a " + b"9" * 19])
def test_a_value_of_another_form_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedMessage, match="taken"):
        Taken.decode(value)


def test_what_was_taken_includes_all_before_of_the_same_playing() -> None:
    taken = Taken("a", 5)
    assert [taken.includes("a", seq) for seq in (4, 5, 6)] == [True, True, False]
    assert not taken.includes("b", 4)


def test_each_camera_has_its_own() -> None:
    assert taken_key("cam0") != taken_key("cam1")
