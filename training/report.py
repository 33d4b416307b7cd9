"""An evaluation: every figure that the model card may carry, as it stands in ``evaluation.json``."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from services.contracts.emotions import EMOTIONS, Emotion
from training import metrics
from training.dataset import Split


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassFigures(_Part):
    """Scores of one emotion, 0 to 1; see :class:`training.metrics.ClassScores`."""

    precision: float
    recall: float
    f1: float
    faces: int


class Evaluation(_Part):
    """Figures of one version of the model on one split; fractions are 0 to 1."""

    version: int
    bytes_on_disk: int
    """Without ``assets.extra``: what the model server reads to serve."""
    data_sha256: str
    training_faces: int
    """Training rows of the data file less those left out."""
    left_out: int
    """Training rows whose pixels stand in a later split."""
    split: str
    faces: int
    accuracy: float
    accuracy_low: float
    """Lower end of the 95 % interval (Wilson)."""
    accuracy_high: float
    macro_f1: float
    """Mean of the seven F1 scores."""
    calibration_error: float
    """Expected calibration error, 15 bins of equal width."""
    negative_log_likelihood: float
    """In nats."""
    threshold: float
    """The top probability from which an answer counts as reliable."""
    threshold_rule: str
    """How it was chosen, in words."""
    reliable_coverage: float
    """Fraction of faces answered reliably."""
    reliable_accuracy: float | None
    """Accuracy of those; none where there are none."""
    classes: dict[Emotion, ClassFigures]
    confusion: list[list[int]]
    """A row per true emotion, a column per answer."""


@dataclass(frozen=True)
class Subject:
    """What was evaluated: a version of the model, and the data it was made from."""

    version: int
    bytes_on_disk: int
    threshold: float
    threshold_rule: str
    data_sha256: str
    training_faces: int
    left_out: int


@dataclass(frozen=True)
class Answers:
    """What the model said about n faces.

    Attributes:
        probabilities: float32 [n, 7].
        reliable: bool [n].
    """

    probabilities: NDArray[np.float32]
    reliable: NDArray[np.bool_]


def evaluation_of(subject: Subject, usage: str, split: Split, answers: Answers) -> Evaluation:
    """Compute every figure of a model's answers about a split that holds at least one face."""
    labels = split.labels.astype(np.int64)
    predicted = answers.probabilities.argmax(axis=1)
    correct = predicted == labels
    confusion = metrics.confusion_matrix(labels, predicted, len(EMOTIONS))
    scores = metrics.class_scores(confusion)
    low, high = metrics.wilson_interval(int(correct.sum()), len(labels))
    return Evaluation(
        **asdict(subject),
        split=usage,
        faces=len(labels),
        accuracy=metrics.accuracy(labels, predicted),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(np.mean([score.f1 for score in scores])),
        calibration_error=metrics.calibration_error(answers.probabilities.max(axis=1), correct),
        negative_log_likelihood=metrics.negative_log_likelihood(labels, answers.probabilities),
        reliable_coverage=float(answers.reliable.mean()),
        reliable_accuracy=float(correct[answers.reliable].mean()) if answers.reliable.any() else None,
        classes={emotion: ClassFigures(**asdict(score)) for emotion, score in zip(EMOTIONS, scores, strict=True)},
        confusion=confusion.tolist(),
    )
