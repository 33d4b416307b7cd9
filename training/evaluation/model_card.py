"""Writes the part of the model card that carries figures, so that none is typed by hand."""

from collections.abc import Iterable

from services.contracts.emotions import EMOTIONS
from training.evaluation.schema import Evaluation

BEGIN = "<!-- figures: written by `make evaluate`, not by hand -->"
END = "<!-- end of figures -->"

CONFUSION_PICTURE = "confusion-matrix.svg"
RELIABILITY_PICTURE = "reliability-diagram.svg"
"""Both lie beside the card."""


class CardError(ValueError):
    """The card doesn't hold the two markers, in order and once."""


def with_figures(card: str, evaluation: Evaluation) -> str:
    """Return the card with the figures of an evaluation in place of what stood between the markers.

    Raises:
        CardError: The markers are not there, in order and once.
    """
    head, begin, rest = card.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or BEGIN in tail or END in tail:
        raise CardError(f"the card must hold these two lines once and in this order: {BEGIN} {END}")
    return f"{head}{BEGIN}\n{figures(evaluation)}\n{END}{tail}"


def figures(evaluation: Evaluation) -> str:
    """Return the figures as Markdown."""
    return "\n\n".join(
        [
            summary(evaluation),
            _on_confidence(evaluation),
            f"![Reliability diagram: accuracy over confidence]({RELIABILITY_PICTURE})",
            "### Where it comes from",
            _PROVENANCE,
            provenance(evaluation),
            "### Each emotion",
            per_class(evaluation),
            f"![Confusion matrix: share of each true emotion by answer]({CONFUSION_PICTURE})",
            "A row per true emotion, a column per answer:",
            confusion(evaluation),
            "### The whole way",
            _WHOLE_WAY,
            whole_way(evaluation),
            "### Worse pictures",
            _ROBUSTNESS,
            robustness(evaluation),
        ]
    )


_PROVENANCE = """\
The whole recipe, and all digits, stand in the version's `assets.extra/model.json`."""

_WHOLE_WAY = """\
Faces of the split, scaled to so many pixels, on drawn backgrounds in scenes of 1280×720, as JPEG of quality 80, through
the detector's own code and then the model. What the cascade finds are frontal faces, which are easier: so their
accuracy stands beside the direct figure of the same faces."""

_ROBUSTNESS = """\
The direct figure with every face changed alike. Pixels are those of the 48 that a face has; a small face was that wide
in its picture."""


def _on_confidence(evaluation: Evaluation) -> str:
    return f"""\
The model's calibration and threshold were fitted on all of {evaluation.split}. For the figures about confidence both
were fitted anew {evaluation.held_out_folds} times, each time without the faces that they are measured on. Calibration
changes no answer, so accuracy is the network's own."""


_OPEN = "–"


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table whose first column holds text and whose others hold numbers."""
    names = list(columns)
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def summary(evaluation: Evaluation) -> str:
    """Return what the model is and how well it does, in a line each."""
    low, high, speed = evaluation.accuracy_low, evaluation.accuracy_high, evaluation.speed
    machine = f"{speed.processor}, one thread{', busy with other work' if speed.busy else ''}"
    rows = [
        ("model version", str(evaluation.version)),
        ("size", f"{evaluation.bytes_on_disk / 1e6:.1f} MB"),
        ("one face takes", f"{speed.one_face_ms:.1f} ms ({machine})"),
        ("32 faces together take", f"{speed.faces_32_ms:.0f} ms"),
        (f"evaluated on {evaluation.split}", f"{evaluation.faces:,} faces"),
        ("accuracy", f"{percent(evaluation.accuracy)} (95 % interval {percent(low)} to {percent(high)})"),
        *_seeds(evaluation),
        ("macro F1", percent(evaluation.macro_f1)),
        ("expected calibration error", percent(evaluation.calibration_error)),
        ("negative log-likelihood", f"{evaluation.negative_log_likelihood:.3f} nats"),
        ("reliable from a top probability of", f"{evaluation.threshold:.3f}"),
        ("chosen so that", evaluation.threshold_rule),
        ("faces answered reliably", percent(evaluation.reliable_coverage)),
        ("accuracy of those", percent(evaluation.reliable_accuracy)),
    ]
    return table(("figure", "value"), rows)


def provenance(evaluation: Evaluation) -> str:
    """Return what the model was made from, networks by the first digits of their weights' digest."""
    made_from = evaluation.provenance
    teachers, start = made_from.teachers_sha256, made_from.start_sha256
    first, last = made_from.vote_shares
    rows = [
        ("faces trained on", f"{made_from.training_faces:,} ({made_from.left_out:,} left out)"),
        ("digest of the data", _short(made_from.data_sha256)),
        ("share of FER+'s votes beside the label", f"{first}" if first == last else f"{first}, in the end {last}"),
        ("first weights", f"those of network {_short(start)}" if start else "chance"),
        ("taught by networks", ", ".join(map(_short, teachers)) or "none"),
    ]
    if teachers:
        rows.append(("share of their word", f"{made_from.teachers_share}"))
    if made_from.start_share:
        rows.append(("share of the first weights in the last", f"{made_from.start_share}"))
    rows += [("epochs", f"{made_from.epochs}"), ("seed", f"{made_from.seed}")]
    return table(("made from", "value"), rows)


def _short(digest: str) -> str:
    return f"`{digest[:8]}`"


def _seeds(evaluation: Evaluation) -> Iterable[tuple[str, str]]:
    seeds = evaluation.seeds
    if seeds is None:
        return
    runs = ", ".join(f"{percent(run.accuracy)} with {run.seed}" for run in seeds.runs)
    yield f"accuracy over {len(seeds.runs)} seeds", f"{percent(seeds.mean)} ± {percent(seeds.deviation)} ({runs})"
    if seeds.differences:
        yield (
            "those runs differ from this version's in",
            ", ".join(f"{key} = {value}" for key, value in seeds.differences.items()),
        )


def per_class(evaluation: Evaluation) -> str:
    """Return precision, recall and F1 of each emotion."""
    rows = []
    for emotion in EMOTIONS:
        scores = evaluation.classes[emotion]
        shares = (percent(share) for share in (scores.precision, scores.recall, scores.f1))
        rows.append((emotion.value, *shares, f"{scores.faces:,}"))
    return table(("emotion", "precision", "recall", "F1", "faces"), rows)


def confusion(evaluation: Evaluation) -> str:
    """Return the counts behind the picture."""
    rows = [
        (f"**{emotion.value}**", *map(str, counts))
        for emotion, counts in zip(EMOTIONS, evaluation.confusion, strict=True)
    ]
    return table(("", *EMOTIONS), rows)


def whole_way(evaluation: Evaluation) -> str:
    """Return what is found and answered rightly at each size, beside the direct figure of the same faces."""
    rows = [
        (
            f"{size.side_px} px",
            f"{size.faces:,}",
            percent(size.found),
            percent(size.accuracy),
            percent(size.direct_accuracy),
            _fall(size.direct_accuracy, size.accuracy),
        )
        for size in evaluation.whole_way
    ]
    return table(("face", "faces", "found", "accuracy on those", "direct, same faces", "fall in points"), rows)


def robustness(evaluation: Evaluation) -> str:
    """Return the accuracy under each change, and what it costs."""
    rows = [
        (f"{row.change}, {row.level}", percent(row.accuracy), _fall(evaluation.accuracy, row.accuracy))
        for row in evaluation.robustness
    ]
    return table(("change", "accuracy", "fall in points"), rows)


def percent(share: float | None) -> str:
    """Return a fraction in percent, or a dash."""
    return _OPEN if share is None else f"{100 * share:.1f} %"


def _fall(before: float | None, after: float | None) -> str:
    return _OPEN if before is None or after is None else f"{100 * (before - after):.1f}"
