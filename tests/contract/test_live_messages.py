"""The JSON of live feeds."""

import json

from services.contracts.emotions import Emotion
from services.contracts.live import Drops, EmotionEvent, LiveFields, LiveState, LiveStatus, live_result_json

STARTED = EmotionEvent("emotion_started", "5f3a-1", Emotion.HAPPY, 1763000000.25, None)
ENDED = EmotionEvent("emotion_ended", "5f3a-1", Emotion.HAPPY, 1763000004.25, 4.0)


def test_a_result_is_a_prediction_with_events_and_drops() -> None:
    sent = live_result_json(b'{"request_id":"5f3a"}', [STARTED, ENDED], Drops(detect=1, viewer=2))
    assert json.loads(sent) == {
        "request_id": "5f3a",
        "event": "result",
        "events": [
            {
                "kind": "emotion_started",
                "face_id": "5f3a-1",
                "emotion": "happy",
                "at_s": 1763000000.25,
                "duration_s": None,
            },
            {
                "kind": "emotion_ended",
                "face_id": "5f3a-1",
                "emotion": "happy",
                "at_s": 1763000004.25,
                "duration_s": 4.0,
            },
        ],
        "dropped": {"detect": 1, "infer": 0, "viewer": 2},
    }
    assert LiveFields.from_json(sent) == LiveFields((STARTED, ENDED), Drops(1, 0, 2))


def test_statuses() -> None:
    assert json.loads(LiveStatus("cam0", LiveState.OK).to_json()) == {
        "event": "status",
        "camera": "cam0",
        "state": "ok",
        "problem": None,
    }
    problem = {"type": "urn:emotion:problem:no-fresh-frame", "status": 503}
    status = json.loads(LiveStatus("cam0", LiveState.PROBLEM, problem).to_json())
    assert (status["state"], status["problem"]) == ("problem", problem)
