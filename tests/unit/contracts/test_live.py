import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.emotions import Emotion
from services.contracts.live import EmotionEvent
from services.contracts.messages import MalformedMessageError
from tests.unit.contracts.samples import texts

times = st.floats(allow_nan=False, allow_infinity=False)
emotion_events = st.builds(
    EmotionEvent,
    kind=st.sampled_from(["emotion_started", "emotion_ended"]),
    face_id=texts,
    emotion=st.sampled_from(Emotion),
    at_s=times,
    duration_s=st.none() | times,
)
ENDED = {"kind": "emotion_ended", "face_id": "a1", "emotion": "sad", "at_s": 12.5, "duration_s": 3.0}


@settings(deadline=None)
@given(emotion_events)
def test_an_event_survives_json(event: EmotionEvent) -> None:
    sent = json.dumps(event.encode(), allow_nan=False)
    assert EmotionEvent.decode(json.loads(sent)) == event
    assert json.loads(sent) == json.loads(json.dumps(asdict(event)))


def test_fields_that_are_not_known_are_ignored() -> None:
    assert EmotionEvent.decode({**ENDED, "cause": "joke"}) == EmotionEvent.decode(ENDED)


@pytest.mark.parametrize("name", ENDED)
def test_a_missing_field_is_malformed_and_named(name: str) -> None:
    with pytest.raises(MalformedMessageError, match=name):
        EmotionEvent.decode({key: value for key, value in ENDED.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "emotion_paused"),
        ("kind", ["emotion_ended"]),
        ("kind", None),
        ("face_id", 7),
        ("emotion", "bored"),
        ("at_s", "noon"),
        ("at_s", float("nan")),
        ("duration_s", float("inf")),
        ("duration_s", True),
    ],
)
def test_a_value_that_can_not_be_read_is_malformed(name: str, value: Any) -> None:
    with pytest.raises(MalformedMessageError, match="emotion event"):
        EmotionEvent.decode({**ENDED, name: value})
