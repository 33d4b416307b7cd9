"""Renders the part of the model card that carries figures, so that none is typed by hand."""

from collections.abc import Iterable

from services.contracts.emotions import EMOTIONS
from training.report import Evaluation

BEGIN = "<!-- figures: written by `make evaluate`, not by hand -->"
END = "<!-- end of figures -->"


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
    return "\n\n".join([_summary(evaluation), _per_class(evaluation), _confusion(evaluation)])


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table whose first column holds text and whose others hold numbers."""
    names = list(columns)
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _summary(evaluation: Evaluation) -> str:
    low, high = evaluation.accuracy_low, evaluation.accuracy_high
    rows = [
        ("model version", str(evaluation.version)),
        ("size", f"{evaluation.bytes_on_disk / 1e6:.1f} MB"),
        ("trained on", f"{evaluation.training_faces:,} faces ({evaluation.left_out:,} left out)"),
        (f"evaluated on {evaluation.split}", f"{evaluation.faces:,} faces"),
        ("accuracy", f"{_percent(evaluation.accuracy)} (95 % interval {_percent(low)} to {_percent(high)})"),
        ("macro F1", _percent(evaluation.macro_f1)),
        ("expected calibration error", _percent(evaluation.calibration_error)),
        ("negative log-likelihood", f"{evaluation.negative_log_likelihood:.3f} nats"),
        ("reliable from a top probability of", f"{evaluation.threshold:.3f}"),
        ("chosen so that", evaluation.threshold_rule),
        ("faces answered reliably", _percent(evaluation.reliable_coverage)),
        ("accuracy of those", _percent(evaluation.reliable_accuracy)),
    ]
    return table(("figure", "value"), rows)


def _per_class(evaluation: Evaluation) -> str:
    rows = []
    for emotion in EMOTIONS:
        scores = evaluation.classes[emotion]
        shares = (_percent(share) for share in (scores.precision, scores.recall, scores.f1))
        rows.append((emotion.value, *shares, f"{scores.faces:,}"))
    return table(("emotion", "precision", "recall", "F1", "faces"), rows)


def _confusion(evaluation: Evaluation) -> str:
    rows = [
        (f"**{emotion.value}**", *map(str, counts))
        for emotion, counts in zip(EMOTIONS, evaluation.confusion, strict=True)
    ]
    return "A row per true emotion, a column per answer:\n\n" + table(("", *EMOTIONS), rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
