import json

import pytest

from services.contracts.messages import MalformedMessageError
from services.contracts.video import MAX_AT_S, FrameTime, TrackedPrediction
from tests.support.gateway_responses import BEGAN, face, prediction


@pytest.mark.parametrize("at_s", [0, 12.34, 1_764_374_400.25, MAX_AT_S])
def test_frame_time_survives_json(at_s: float) -> None:
    assert FrameTime.from_json(FrameTime(at_s).to_json().decode()).at_s == at_s


def test_unknown_fields_of_a_frame_time_are_ignored() -> None:
    assert FrameTime.from_json('{"at_s": 1.5, "frame": 3}') == FrameTime(1.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12.3",
        "[]",
        "null",
        "{}",
        "{",
        '{"at_s": null}',
        '{"at_s": "1"}',
        '{"at_s": true}',
        '{"at_s": NaN}',
        '{"at_s": Infinity}',
        '{"at_s": 1e999}',
        '{"at_s": -0.1}',
        '{"at_s": 1e12}',
        f'{{"at_s": {"9" * 60}}}',
        f'{{"at_s": 1{" " * 100}}}',
        "[" * 99,
    ],
)
def test_malformed_frame_time_is_rejected_without_repeating_it(text: str) -> None:
    with pytest.raises(MalformedMessageError, match="frame time: ") as error:
        FrameTime.from_json(text)
    assert len(str(error.value)) < 100


def test_tracked_prediction_survives_json() -> None:
    answer = TrackedPrediction(prediction(face(face_id="face-1")), 12.34, (BEGAN,))
    assert TrackedPrediction.from_json(json.dumps(answer.to_dict())) == answer


@pytest.mark.parametrize("name", ["at_s", "events", "faces"])
def test_missing_field_is_named(name: str) -> None:
    answer = TrackedPrediction(prediction(face(face_id="face-1")), 12.34, (BEGAN,)).to_dict()
    del answer[name]
    with pytest.raises(MalformedMessageError, match=name):
        TrackedPrediction.from_json(json.dumps(answer))
