import json

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import Box, ImageSize
from services.contracts.prediction import FaceEmotion, ModelVersion, Prediction, PredictTimings, UploadSource
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
    answer = json.loads(json.dumps(prediction.encode(), allow_nan=False))
    assert answer["source"] == {"kind": "upload"}
    assert list(answer["probabilities"].values()) == values
    assert list(answer["faces"][0]["smoothed"]) == [str(emotion) for emotion in EMOTIONS]
    assert answer["faces"][0]["box"] == {"x": box.x, "y": box.y, "w": box.w, "h": box.h}
    assert answer["confidence"] == answer["faces"][0]["confidence"] == values[3]
    assert answer["reliable"] is reliable
