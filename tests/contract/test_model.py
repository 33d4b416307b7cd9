"""What the served model, the gateway and the training code agree on."""

from services.contracts import model
from services.contracts.emotions import EMOTIONS, Emotion


def test_label_order_is_the_order_of_the_outputs() -> None:
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert tuple(Emotion) == EMOTIONS


def test_model_name_and_signature() -> None:
    assert (model.MODEL_NAME, model.SIGNATURE_NAME) == ("emotion", "serving_default")


def test_tensors() -> None:
    assert (model.INPUT_FACE, model.FACE_SHAPE) == ("face", (48, 48, 1))
    assert (model.OUTPUT_PROBABILITIES, model.OUTPUT_RELIABLE) == ("probabilities", "reliable")
