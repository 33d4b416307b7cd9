import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import Box, ImageSize
from services.contracts.messages import MalformedMessageError
from services.contracts.prediction import (
    CameraSource,
    FaceEmotion,
    ModelVersion,
    Prediction,
    PredictTimings,
    UploadSource,
)
from tests.unit.contracts.samples import boxes

scores = st.lists(st.floats(0, 1, width=32), min_size=7, max_size=7)


@given(boxes, scores, st.booleans())
def test_scores_survive_json_unrounded(box: Box, values: list[float], reliable: bool) -> None:
    probabilities = dict(zip(EMOTIONS, values, strict=True))
    face = FaceEmotion(box, Emotion.HAPPY, values[3], reliable, probabilities, 0.5, "7", probabilities)
    prediction = Prediction(
        "id",
        UploadSource(),
        ImageSize(1, 1),
        face.emotion,
        face.confidence,
        reliable,
        probabilities,
        (face,),
        ModelVersion("1"),
        PredictTimings(1.0, 2.0, 3.0, 6.0),
    )
    answer = json.loads(prediction.to_json())
    assert answer["source"] == {"kind": "upload"}
    assert list(answer["probabilities"].values()) == values
    assert list(answer["faces"][0]["smoothed"]) == [str(emotion) for emotion in EMOTIONS]
    assert answer["faces"][0]["box"] == {"x": box.x, "y": box.y, "w": box.w, "h": box.h}
    assert answer["confidence"] == answer["faces"][0]["confidence"] == values[3]
    assert answer["reliable"] is reliable
    assert json.loads(json.dumps(prediction.to_dict())) == answer
    assert Prediction.from_json(prediction.to_json()) == prediction


def answer_without_a_face() -> dict[str, Any]:
    source = CameraSource("cam0", "1763000000000-0", "2026-11-24T05:52:59.123Z", 41.2)
    times = PredictTimings(1.0, 2.0, 3.0, 6.0)
    return Prediction("id", source, ImageSize(1, 1), None, None, None, None, (), ModelVersion(None), times).to_dict()


def decoded(answer: dict[str, Any]) -> Prediction:
    return Prediction.from_json(json.dumps(answer))


def test_an_answer_without_a_face_is_read() -> None:
    answer = answer_without_a_face()
    assert decoded(answer).to_dict() == answer


def test_unknown_fields_are_ignored() -> None:
    answer = answer_without_a_face()
    more = {**answer, "mood": 7, "image": {**answer["image"], "depth": 3}}
    assert decoded(more) == decoded(answer)


@pytest.mark.parametrize("name", answer_without_a_face())
def test_a_missing_field_is_malformed_and_named(name: str) -> None:
    with pytest.raises(MalformedMessageError, match=name):
        decoded({key: value for key, value in answer_without_a_face().items() if key != name})


@pytest.mark.parametrize("missing", EMOTIONS)
def test_a_missing_probability_is_malformed(missing: Emotion) -> None:
    scores = {emotion: 0.1 for emotion in EMOTIONS if emotion is not missing}
    with pytest.raises(MalformedMessageError, match="probabilities"):
        decoded({**answer_without_a_face(), "probabilities": scores})


@pytest.mark.parametrize(
    "wrong",
    [{"faces": 3}, {"faces": [3]}, {"image": None}, {"emotion": "bored"}, {"source": {"kind": "dream"}}, {"model": []}],
)
def test_a_field_of_another_type_is_malformed(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessageError):
        decoded({**answer_without_a_face(), **wrong})
