"""The evaluation of a version: every figure of the model card, as stored in ``evaluation.json``.

Fractions are 0 to 1.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from services.contracts.emotions import EMOTIONS, Emotion
from training import metrics
from training.data.fer2013 import Split
from training.metrics import ClassScores, Predictions, ReliabilityBin


class Schema(BaseModel):
    """Base of the models in ``evaluation.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Provenance(Schema):
    """The origin of a version; see :class:`training.export.registry.ModelManifest`."""

    data_sha256: str
    training_faces: int
    """Training rows without those left out."""
    left_out: int
    """Training rows left out because their pixels are in a later split."""
    soft_label_weights: tuple[float, float]
    """Weight of FER+'s votes beside the label, in the first and in the last epoch."""
    init_sha256: str | None
    """Digest of the initial weights; None for a random initialisation."""
    teachers_sha256: tuple[str, ...]
    """Digest of each teacher's weights."""
    teacher_weight: float
    """Weight of the teachers' probabilities in the targets of the last epoch."""
    init_weight: float
    """Weight of the initial network in the final one."""
    epochs: int
    seed: int


class EndToEndResult(Schema):
    """Faces of one size through scene, JPEG, detector and model."""

    side_px: int
    faces: int
    detected: float
    """Fraction of the faces that the detector found."""
    accuracy: float | None
    """Of the detected faces; None without any."""
    direct_accuracy: float | None
    """Of the same faces, given to the model as they are in the dataset."""


class RobustnessResult(Schema):
    """Accuracy with one corruption applied to every face."""

    corruption: str
    level: str
    accuracy: float


class Latency(Schema):
    """Time of a call through the signature, with one thread."""

    cpu: str
    one_face_ms: float
    """Median."""
    faces_32_ms: float
    """Median of calls with 32 faces."""
    cpu_contended: bool
    """Whether other processes used the processor during the measurement, which increases the times."""


class SeedRun(Schema):
    """The result of a run with one seed."""

    seed: int
    accuracy: float
    """On validation, after the last epoch."""


class SeedVariance(Schema):
    """The variation of the result between seeds."""

    runs: tuple[SeedRun, ...]
    mean: float
    deviation: float
    """Standard deviation, with n − 1 in the denominator."""
    differences: dict[str, str]
    """Differences from the version's recipe except the seed: key → the runs' value, or ``different`` or ``none`` for
    data, votes, teachers and initial weights."""


class Evaluation(Schema):
    """Figures of one version of the model on one split."""

    version: int
    bytes_on_disk: int
    """What the model server reads: without ``assets.extra``."""
    split: str
    split_sha256: str
    """Digest of its pixels and labels."""
    faces: int
    accuracy: float
    accuracy_low: float
    """Lower end of the 95 % confidence interval (Wilson)."""
    accuracy_high: float
    macro_f1: float
    """Mean of the seven F1 scores."""
    calibration_error: float
    """Expected calibration error, 15 bins of equal width."""
    negative_log_likelihood: float
    """In nats."""
    threshold: float
    """The top probability from which an answer is reliable."""
    threshold_rule: str
    """How the threshold was chosen."""
    provenance: Provenance
    reliable_coverage: float
    """Fraction of faces with a reliable answer."""
    reliable_accuracy: float | None
    """Accuracy of the reliable answers; None without any."""
    held_out_folds: int
    """Number of folds; each face is evaluated by a calibration and a threshold fitted on the other folds."""
    classes: dict[Emotion, ClassScores]
    confusion: list[list[int]]
    """A row per true emotion, a column per predicted one."""
    reliability: list[ReliabilityBin]
    """Bins in ascending order of confidence; bins without faces are left out."""
    end_to_end: list[EndToEndResult]
    robustness: list[RobustnessResult]
    latency: Latency
    seed_variance: SeedVariance | None
    """Recorded by `make seed-variance`."""


@dataclass(frozen=True)
class ModelInfo:
    """The evaluated version; see :class:`Evaluation`."""

    version: int
    bytes_on_disk: int
    threshold: float
    threshold_rule: str
    provenance: Provenance


@dataclass(frozen=True)
class CrossValidated:
    """Held-out predictions for a split, and the number of folds."""

    predictions: Predictions
    folds: int


@dataclass(frozen=True)
class Measurements:
    """Results other than those computed from the predictions; see :class:`Evaluation`."""

    end_to_end: list[EndToEndResult]
    robustness: list[RobustnessResult]
    latency: Latency
    seed_variance: SeedVariance | None


def build_evaluation(
    model: ModelInfo, usage: str, split: Split, validated: CrossValidated, measurements: Measurements
) -> Evaluation:
    """Compute every figure from a model's predictions for a split of at least one face."""
    predictions, labels = validated.predictions, split.labels.astype(np.int64)
    predicted = predictions.probabilities.argmax(axis=1)
    correct = predicted == labels
    confidences = predictions.probabilities.max(axis=1)
    confusion = metrics.confusion_matrix(labels, predicted, len(EMOTIONS))
    scores = metrics.class_scores(confusion)
    low, high = metrics.wilson_interval(int(correct.sum()), len(labels))
    return Evaluation(
        **vars(model),
        split=usage,
        split_sha256=split.sha256,
        faces=len(labels),
        accuracy=metrics.accuracy(labels, predicted),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(np.mean([score.f1 for score in scores])),
        calibration_error=metrics.calibration_error(confidences, correct),
        negative_log_likelihood=metrics.negative_log_likelihood(labels, predictions.probabilities),
        reliable_coverage=float(predictions.reliable.mean()),
        reliable_accuracy=float(correct[predictions.reliable].mean()) if predictions.reliable.any() else None,
        held_out_folds=validated.folds,
        classes=dict(zip(EMOTIONS, scores, strict=True)),
        confusion=confusion.tolist(),
        reliability=metrics.reliability_bins(confidences, correct),
        **vars(measurements),
    )
