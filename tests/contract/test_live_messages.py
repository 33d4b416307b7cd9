"""The exact JSON of what live sessions tell."""

import json

from services.contracts.emotions import Emotion
from services.contracts.live import EmotionEvent


def test_an_emotion_that_begins() -> None:
    event = EmotionEvent("emotion_started", "5f3a-1", Emotion.HAPPY, 1763000000.25, None)
    assert json.dumps(event.encode()) == (
        '{"kind": "emotion_started", "face_id": "5f3a-1", "emotion": "happy", "at_s": 1763000000.25, '
        '"duration_s": null}'
    )


def test_an_emotion_that_ends() -> None:
    event = EmotionEvent("emotion_ended", "5f3a-1", Emotion.HAPPY, 1763000004.25, 4.0)
    sent = (
        '{"kind": "emotion_ended", "face_id": "5f3a-1", "emotion": "happy", "at_s": 1763000004.25, "duration_s": 4.0}'
    )
    assert json.dumps(event.encode()) == sent
    assert EmotionEvent.decode(json.loads(sent)) == event
