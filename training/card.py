"""Writes the part of the model card that carries figures, so that none is typed by hand."""

from training import tables
from training.report import Evaluation

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
            tables.summary(evaluation),
            _on_confidence(evaluation),
            f"![Reliability diagram: accuracy over confidence]({RELIABILITY_PICTURE})",
            "### Where it comes from",
            _PROVENANCE,
            tables.provenance(evaluation),
            "### Each emotion",
            tables.per_class(evaluation),
            f"![Confusion matrix: share of each true emotion by answer]({CONFUSION_PICTURE})",
            "A row per true emotion, a column per answer:",
            tables.confusion(evaluation),
            "### The whole way",
            _WHOLE_WAY,
            tables.whole_way(evaluation),
            "### Worse pictures",
            _ROBUSTNESS,
            tables.robustness(evaluation),
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
