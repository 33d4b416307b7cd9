"""The seven emotions and their order, which is the order of the model's outputs."""

from enum import StrEnum


class Emotion(StrEnum):
    """FER2013's classes, in FER2013's order (Goodfellow et al., 2013)."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)
