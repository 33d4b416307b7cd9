"""Render the figures of the model card, so that none is typed by hand."""

from collections.abc import Iterable

from services.contracts.emotions import EMOTIONS
from training.evaluation.schema import Evaluation

BEGIN = "<!-- figures: written by `make evaluate`, not by hand -->"
END = "<!-- end of figures -->"

CONFUSION_MATRIX_FILE = "confusion-matrix.svg"
RELIABILITY_DIAGRAM_FILE = "reliability-diagram.svg"
"""Both are in the card's directory."""

_NONE = "–"

_PROVENANCE = """\
The complete recipe and digests are in the version's `assets.extra/model.json`."""

_END_TO_END = """\
Faces of the split, scaled to each size, on drawn backgrounds in scenes of 1280×720 pixels, as JPEG of quality 80,
through the detector's own code and the model. The cascade finds frontal faces, which are easier to classify. So each
row also shows the direct accuracy: that of the same faces without scene and detector."""

_ROBUSTNESS = """\
Accuracy with one corruption applied to every face. Pixels are those of the 48×48 face."""


class CardError(ValueError):
    """The card doesn't contain the two markers, once and in order."""


def update_figures(card: str, evaluation: Evaluation) -> str:
    """Return the card with new figures between the markers.

    Raises:
        CardError: The markers are missing, repeated or in the wrong order.
    """
    head, begin, rest = card.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or BEGIN in tail or END in tail:
        raise CardError(f"the card must contain these two lines once and in this order: {BEGIN} {END}")
    return f"{head}{BEGIN}\n{render_figures(evaluation)}\n{END}{tail}"


def render_figures(evaluation: Evaluation) -> str:
    """Return the figures as Markdown."""
    return "\n\n".join(
        [
            _summary(evaluation),
            _calibration_note(evaluation),
            f"![Reliability diagram: accuracy by confidence]({RELIABILITY_DIAGRAM_FILE})",
            "### Provenance",
            _PROVENANCE,
            _provenance(evaluation),
            "### Per emotion",
            _per_class(evaluation),
            f"![Confusion matrix: predictions per true emotion, as fractions]({CONFUSION_MATRIX_FILE})",
            "A row per true emotion, a column per predicted emotion:",
            _confusion(evaluation),
            "### End to end",
            _END_TO_END,
            _end_to_end(evaluation),
            "### Robustness",
            _ROBUSTNESS,
            _robustness(evaluation),
        ]
    )


def _calibration_note(evaluation: Evaluation) -> str:
    return f"""\
The model's calibration and threshold were fitted on all of {evaluation.split}. For the figures about confidence, both
were fitted by {evaluation.held_out_folds}-fold cross-validation: each face is evaluated by a fit without it.
Calibration doesn't change answers, so accuracy is the network's own."""


def _summary(evaluation: Evaluation) -> str:
    low, high, latency = evaluation.accuracy_low, evaluation.accuracy_high, evaluation.latency
    machine = f"{latency.cpu}, one thread{', with other load' if latency.cpu_contended else ''}"
    rows = [
        ("model version", str(evaluation.version)),
        ("size", f"{evaluation.bytes_on_disk / 1e6:.1f} MB"),
        ("latency, one face", f"{latency.one_face_ms:.1f} ms ({machine})"),
        ("latency, 32 faces", f"{latency.faces_32_ms:.0f} ms"),
        (f"evaluated on {evaluation.split}", f"{evaluation.faces:,} faces"),
        ("accuracy", f"{_percent(evaluation.accuracy)} (95 % interval {_percent(low)} to {_percent(high)})"),
        *_seed_variance(evaluation),
        ("macro F1", _percent(evaluation.macro_f1)),
        ("expected calibration error", _percent(evaluation.calibration_error)),
        ("negative log-likelihood", f"{evaluation.negative_log_likelihood:.3f} nats"),
        ("reliability threshold", f"{evaluation.threshold:.3f}"),
        ("rule for the threshold", evaluation.threshold_rule),
        ("faces with a reliable answer", _percent(evaluation.reliable_coverage)),
        ("accuracy of reliable answers", _percent(evaluation.reliable_accuracy)),
    ]
    return _table(("figure", "value"), rows)


def _seed_variance(evaluation: Evaluation) -> Iterable[tuple[str, str]]:
    variance = evaluation.seed_variance
    if variance is None:
        return
    runs = ", ".join(f"seed {run.seed}: {_percent(run.accuracy)}" for run in variance.runs)
    mean, deviation = _percent(variance.mean), _percent(variance.deviation)
    yield f"accuracy over {len(variance.runs)} seeds", f"{mean} ± {deviation} ({runs})"
    if variance.differences:
        differences = ", ".join(f"{key}: {value}" for key, value in variance.differences.items())
        yield "differences of those runs", differences


def _provenance(evaluation: Evaluation) -> str:
    """Return the origin of the model; networks are named by the first digits of their weights' digest."""
    provenance = evaluation.provenance
    teachers, init = provenance.teachers_sha256, provenance.init_sha256
    first, last = provenance.soft_label_weights
    rows = [
        ("training faces", f"{provenance.training_faces:,} ({provenance.left_out:,} left out)"),
        ("data digest", _short(provenance.data_sha256)),
        ("weight of FER+ soft labels", f"{first}" if first == last else f"{first}, at the end {last}"),
        ("initial weights", f"network {_short(init)}" if init else "random (from scratch)"),
        ("teachers", ", ".join(map(_short, teachers)) or "none"),
    ]
    if teachers:
        rows.append(("weight of the teachers", f"{provenance.teacher_weight}"))
    if provenance.init_weight:
        rows.append(("weight of the initial network in the final one", f"{provenance.init_weight}"))
    rows += [("epochs", f"{provenance.epochs}"), ("seed", f"{provenance.seed}")]
    return _table(("source", "value"), rows)


def _per_class(evaluation: Evaluation) -> str:
    rows = []
    for emotion in EMOTIONS:
        scores = evaluation.classes[emotion]
        fractions = (_percent(fraction) for fraction in (scores.precision, scores.recall, scores.f1))
        rows.append((emotion.value, *fractions, f"{scores.faces:,}"))
    return _table(("emotion", "precision", "recall", "F1", "faces"), rows)


def _confusion(evaluation: Evaluation) -> str:
    rows = [
        (f"**{emotion.value}**", *map(str, counts))
        for emotion, counts in zip(EMOTIONS, evaluation.confusion, strict=True)
    ]
    return _table(("", *EMOTIONS), rows)


def _end_to_end(evaluation: Evaluation) -> str:
    rows = [
        (
            f"{result.side_px} px",
            f"{result.faces:,}",
            _percent(result.detected),
            _percent(result.accuracy),
            _percent(result.direct_accuracy),
            _drop(result.direct_accuracy, result.accuracy),
        )
        for result in evaluation.end_to_end
    ]
    return _table(("face size", "faces", "detected", "accuracy", "direct accuracy", "drop in points"), rows)


def _robustness(evaluation: Evaluation) -> str:
    rows = [
        (f"{result.corruption}, {result.level}", _percent(result.accuracy), _drop(evaluation.accuracy, result.accuracy))
        for result in evaluation.robustness
    ]
    return _table(("corruption", "accuracy", "drop in points"), rows)


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table with text in the first column and numbers in the others."""
    names = list(columns)
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(digest: str) -> str:
    return f"`{digest[:8]}`"


def _percent(fraction: float | None) -> str:
    return _NONE if fraction is None else f"{100 * fraction:.1f} %"


def _drop(before: float | None, after: float | None) -> str:
    return _NONE if before is None or after is None else f"{100 * (before - after):.1f}"
