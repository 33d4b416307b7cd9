import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.emotions import Emotion
from services.contracts.live import MAX_EVENTS, Drops, EmotionEvent, LiveFields, live_result_json
from services.contracts.messages import MAX_INT64, MalformedMessageError

times = st.floats(allow_nan=False, allow_infinity=False)
emotion_events = st.builds(
    EmotionEvent,
    kind=st.sampled_from(["emotion_started", "emotion_ended"]),
    face_id=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    emotion=st.sampled_from(Emotion),
    at_s=times,
    duration_s=st.none() | times,
)
ENDED = {"kind": "emotion_ended", "face_id": "a1", "emotion": "sad", "at_s": 12.5, "duration_s": 3.0}
DROPPED = {"detect": 1, "infer": 2, "viewer": 3}


def decoded(event: dict[str, Any], dropped: object = DROPPED, **more: Any) -> LiveFields:
    return LiveFields.from_json(json.dumps({"event": "result", "events": [event], "dropped": dropped, **more}))


@settings(deadline=None)
@given(st.lists(emotion_events, max_size=3), st.integers(0, MAX_INT64))
def test_events_and_drops_survive_json(events: list[EmotionEvent], detect: int) -> None:
    sent = live_result_json(b'{"request_id":"id"}', events, Drops(detect))
    assert LiveFields.from_json(sent) == LiveFields(tuple(events), Drops(detect))
    assert json.loads(sent)["request_id"] == "id"


def test_unknown_fields_are_ignored() -> None:
    assert decoded({**ENDED, "cause": "joke"}, weather="fine") == decoded(ENDED)


@pytest.mark.parametrize("name", ENDED)
def test_a_missing_field_is_malformed_and_named(name: str) -> None:
    with pytest.raises(MalformedMessageError, match=name):
        decoded({key: value for key, value in ENDED.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "emotion_paused"),
        ("kind", ["emotion_ended"]),
        ("kind", None),
        ("face_id", 7),
        ("face_id", "\x1b"),
        ("face_id", "a" * 501),
        ("emotion", "bored"),
        ("at_s", "noon"),
        ("at_s", float("nan")),
        ("duration_s", float("inf")),
        ("duration_s", True),
    ],
)
def test_an_invalid_value_is_malformed(name: str, value: Any) -> None:
    with pytest.raises(MalformedMessageError, match="live result"):
        decoded({**ENDED, name: value})


@pytest.mark.parametrize("dropped", [None, {**DROPPED, "infer": -1}, {**DROPPED, "infer": 2**63}, [1, 2, 3]])
def test_invalid_counts_are_malformed(dropped: object) -> None:
    with pytest.raises(MalformedMessageError, match="live result"):
        decoded(ENDED, dropped)


def test_too_many_events_are_malformed() -> None:
    with pytest.raises(MalformedMessageError, match="events"):
        LiveFields.from_json(json.dumps({"events": [ENDED] * (MAX_EVENTS + 1), "dropped": DROPPED}))
