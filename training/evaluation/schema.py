"""An evaluation: every figure that the model card may carry, as it stands in ``evaluation.json``."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from services.contracts.emotions import EMOTIONS, Emotion
from training import metrics
from training.data.fer2013 import Split
from training.metrics import calibration_error, reliability_bins


class Part(BaseModel):
    """A group of figures that hold together."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Provenance(Part):
    """What a version was made from; see :class:`training.export.registry.ModelPaper`."""

    data_sha256: str
    training_faces: int
    """Training rows less those left out."""
    left_out: int
    """Training rows whose pixels stand in a later split."""
    vote_shares: tuple[float, float]
    """Of FER+'s votes in what labels and votes told, in the first epoch and in the last."""
    start_sha256: str | None
    """Of the weights that training started from; none where those were chance."""
    teachers_sha256: tuple[str, ...]
    """Of the weights of each teacher."""
    teachers_share: float
    """Of their word in what was taught in the last epoch."""
    start_share: float
    """Of the first weights in the last ones."""
    epochs: int
    seed: int


class ClassFigures(Part):
    """Scores of one emotion; see :class:`training.metrics.ClassScores`."""

    precision: float
    recall: float
    f1: float
    faces: int


class ReliabilityFigures(Part):
    """One bin of the reliability diagram; see :class:`training.metrics.ReliabilityBin`."""

    low: float
    high: float
    faces: int
    confidence: float
    accuracy: float


class SizeFigures(Part):
    """The whole way with faces of one size: scene, JPEG, detector, model."""

    side_px: int
    faces: int
    """That stood in the scenes."""
    found: float
    """Fraction of them."""
    accuracy: float | None
    """Of those found; none where there are none."""
    direct_accuracy: float | None
    """Of the same faces, given to the model as the dataset has them."""


class RobustnessFigures(Part):
    """The direct figure with every face changed alike."""

    change: str
    level: str
    accuracy: float


class SpeedFigures(Part):
    """How long a call through the signature takes with one thread."""

    processor: str
    one_face_ms: float
    """Median."""
    faces_32_ms: float
    """Median, for 32 faces together."""
    busy: bool
    """Whether the measuring process waited for a core, which makes the times longer than they are."""


class SeedRun(Part):
    """How a run of one seed ended."""

    seed: int
    accuracy: float
    """On validation, after its last epoch."""


class SeedFigures(Part):
    """How much the result depends on chance."""

    runs: tuple[SeedRun, ...]
    mean: float
    deviation: float
    """Standard deviation between runs, n − 1 in the denominator."""
    differences: dict[str, str]
    """Where the runs' recipe differs from the version's, seed apart: key → the runs' value; and which of data, votes,
    teachers and start were others."""


class Evaluation(Part):
    """Figures of one version of the model on one split; fractions are 0 to 1."""

    version: int
    bytes_on_disk: int
    """Without ``assets.extra``: what the model server reads to serve."""
    split: str
    split_sha256: str
    """Of its pixels and labels."""
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
    provenance: Provenance
    reliable_coverage: float
    """Fraction of faces answered reliably."""
    reliable_accuracy: float | None
    """Accuracy of those; none where there are none."""
    held_out_folds: int
    """Each face was judged by a calibration and a threshold fitted on the other folds, so many in all."""
    classes: dict[Emotion, ClassFigures]
    confusion: list[list[int]]
    """A row per true emotion, a column per answer."""
    reliability: list[ReliabilityFigures]
    """Bins of rising confidence; those without faces are left out."""
    whole_way: list[SizeFigures]
    robustness: list[RobustnessFigures]
    speed: SpeedFigures
    seeds: SeedFigures | None
    """Where `make seeds` noted them."""


@dataclass(frozen=True)
class Subject:
    """What was evaluated: a version of the model, and the data it was made from."""

    version: int
    bytes_on_disk: int
    threshold: float
    threshold_rule: str
    provenance: Provenance


@dataclass(frozen=True)
class Predictions:
    """What the model said about n faces.

    Attributes:
        probabilities: Floats [n, 7].
        reliable: bool [n].
    """

    probabilities: NDArray[np.floating]
    reliable: NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """Answers whose confidence may be reported.

    Attributes:
        answers: What is said about each face.
        held_out_folds: See :class:`Evaluation`.
    """

    answers: Predictions
    held_out_folds: int


@dataclass(frozen=True)
class Measured:
    """What was measured besides the answers about the split; see :class:`Evaluation`."""

    whole_way: list[SizeFigures]
    robustness: list[RobustnessFigures]
    speed: SpeedFigures
    seeds: SeedFigures | None


def evaluation_of(subject: Subject, usage: str, split: Split, judged: Judged, measured: Measured) -> Evaluation:
    """Compute every figure of a model's answers about a split that holds at least one face."""
    answers, labels = judged.answers, split.labels.astype(np.int64)
    predicted = answers.probabilities.argmax(axis=1)
    correct = predicted == labels
    confidences = answers.probabilities.max(axis=1)
    confusion = metrics.confusion_matrix(labels, predicted, len(EMOTIONS))
    scores = metrics.class_scores(confusion)
    low, high = metrics.wilson_interval(int(correct.sum()), len(labels))
    return Evaluation(
        **vars(subject),
        split=usage,
        split_sha256=split.sha256,
        faces=len(labels),
        accuracy=metrics.accuracy(labels, predicted),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(np.mean([score.f1 for score in scores])),
        calibration_error=calibration_error(confidences, correct),
        negative_log_likelihood=metrics.negative_log_likelihood(labels, answers.probabilities),
        reliable_coverage=float(answers.reliable.mean()),
        reliable_accuracy=float(correct[answers.reliable].mean()) if answers.reliable.any() else None,
        held_out_folds=judged.held_out_folds,
        classes={emotion: ClassFigures(**asdict(score)) for emotion, score in zip(EMOTIONS, scores, strict=True)},
        confusion=confusion.tolist(),
        reliability=[ReliabilityFigures(**asdict(part)) for part in reliability_bins(confidences, correct)],
        **vars(measured),
    )
