"""The parts of an evaluation, as they stand in ``evaluation.json``; fractions are 0 to 1."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A group of figures that hold together."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Provenance(Part):
    """What a version was made from; see :class:`training.repository.ModelPaper`."""

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
    """One bin of the reliability diagram; see :class:`training.reliability.ReliabilityBin`."""

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
