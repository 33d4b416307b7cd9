import numpy as np
import pytest

from services.contracts.emotions import EMOTIONS
from training.data.fer2013 import VALIDATION, Split
from training.evaluation.model_card import BEGIN, END, CardError, render_figures, update_figures
from training.evaluation.schema import (
    CrossValidated,
    EndToEndResult,
    Evaluation,
    Latency,
    Measurements,
    ModelInfo,
    Provenance,
    RobustnessResult,
    SeedRun,
    SeedVariance,
    build_evaluation,
)
from training.metrics import Predictions

GOLDEN = """\
| figure | value |
| --- | ---: |
| model version | 3 |
| size | 5.7 MB |
| latency, one face | 2.3 ms (Abacus, one thread) |
| latency, 32 faces | 41 ms |
| evaluated on PublicTest | 8 faces |
| accuracy | 75.0 % (95 % interval 40.9 % to 92.9 %) |
| accuracy over 3 seeds | 71.0 % ± 1.0 % (seed 1: 70.0 %, seed 2: 71.0 %, seed 3: 72.0 %) |
| differences of those runs | epochs: 12 |
| macro F1 | 63.8 % |
| expected calibration error | 15.0 % |
| negative log-likelihood | 1.079 nats |
| reliability threshold | 0.650 |
| rule for the threshold | it is easy to test |
| faces with a reliable answer | 50.0 % |
| accuracy of reliable answers | 75.0 % |

The model's calibration and threshold were fitted on all of PublicTest. For the figures about confidence, both
were fitted by 10-fold cross-validation: each face is evaluated by a fit without it.
Calibration doesn't change answers, so accuracy is the network's own.

![Reliability diagram: accuracy by confidence](reliability-diagram.svg)

### Provenance

The complete recipe and digests are in the version's `assets.extra/model.json`.

| source | value |
| --- | ---: |
| training faces | 28,006 (703 left out) |
| data digest | `dddddddd` |
| weight of FER+ soft labels | 0.5, at the end 0.0 |
| initial weights | network `55555555` |
| teachers | `11111111`, `22222222` |
| weight of the teachers | 0.9 |
| weight of the initial network in the final one | 0.25 |
| epochs | 12 |
| seed | 7 |

### Per emotion

| emotion | precision | recall | F1 | faces |
| --- | ---: | ---: | ---: | ---: |
| angry | 66.7 % | 100.0 % | 80.0 % | 2 |
| disgust | 100.0 % | 100.0 % | 100.0 % | 1 |
| fear | 100.0 % | 100.0 % | 100.0 % | 1 |
| happy | 50.0 % | 100.0 % | 66.7 % | 1 |
| sad | 0.0 % | 0.0 % | 0.0 % | 1 |
| surprise | 100.0 % | 100.0 % | 100.0 % | 1 |
| neutral | 0.0 % | 0.0 % | 0.0 % | 1 |

![Confusion matrix: predictions per true emotion, as fractions](confusion-matrix.svg)

A row per true emotion, a column per predicted emotion:

|  | angry | disgust | fear | happy | sad | surprise | neutral |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| **angry** | 2 | 0 | 0 | 0 | 0 | 0 | 0 |
| **disgust** | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| **fear** | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| **happy** | 0 | 0 | 0 | 1 | 0 | 0 | 0 |
| **sad** | 1 | 0 | 0 | 0 | 0 | 0 | 0 |
| **surprise** | 0 | 0 | 0 | 0 | 0 | 1 | 0 |
| **neutral** | 0 | 0 | 0 | 1 | 0 | 0 | 0 |

### End to end

Faces of the split, scaled to each size, on drawn backgrounds in scenes of 1280×720 pixels, as JPEG of quality 80,
through the detector's own code and the model. The cascade finds frontal faces, which are easier to classify. So each
row also shows the direct accuracy: that of the same faces without scene and detector.

| face size | faces | detected | accuracy | direct accuracy | drop in points |
| --- | ---: | ---: | ---: | ---: | ---: |
| 96 px | 8 | 50.0 % | 72.5 % | 75.0 % | 2.5 |
| 144 px | 8 | 0.0 % | – | – | – |

### Robustness

Accuracy with one corruption applied to every face. Pixels are those of the 48×48 face.

| corruption | accuracy | drop in points |
| --- | ---: | ---: |
| noise, loud | 50.0 % | 25.0 |"""


PROVENANCE = Provenance(
    data_sha256="d" * 64,
    training_faces=28_006,
    left_out=703,
    soft_label_weights=(0.5, 0.0),
    init_sha256="5" * 64,
    teachers_sha256=("1" * 64, "2" * 64),
    teacher_weight=0.9,
    init_weight=0.25,
    epochs=12,
    seed=7,
)
MEASUREMENTS = Measurements(
    end_to_end=[
        EndToEndResult(side_px=96, faces=8, detected=0.5, accuracy=0.725, direct_accuracy=0.75),
        EndToEndResult(side_px=144, faces=8, detected=0, accuracy=None, direct_accuracy=None),
    ],
    robustness=[RobustnessResult(corruption="noise", level="loud", accuracy=0.5)],
    latency=Latency(cpu="Abacus", one_face_ms=2.345, faces_32_ms=41.2, cpu_contended=False),
    seed_variance=SeedVariance(
        runs=tuple(SeedRun(seed=seed, accuracy=0.69 + seed / 100) for seed in (1, 2, 3)),
        mean=0.71,
        deviation=0.01,
        differences={"epochs": "12"},
    ),
)


@pytest.fixture
def evaluation() -> Evaluation:
    """Eight faces: half answered at 0.7, half at 0.5; sad and neutral are missed."""
    labels, predicted = [0, 0, 1, 2, 3, 4, 5, 6], [0, 0, 1, 2, 3, 0, 5, 3]
    top = np.array([0.7, 0.7, 0.7, 0.5, 0.5, 0.7, 0.5, 0.5], np.float32)
    probabilities = np.empty((8, len(EMOTIONS)), np.float32)
    probabilities[:] = (1 - top[:, np.newaxis]) / 6
    probabilities[np.arange(8), predicted] = top
    model_info = ModelInfo(3, 5_713_636, 0.65, "it is easy to test", PROVENANCE)
    split = Split(np.zeros((8, 48, 48), np.uint8), np.array(labels, np.uint8))
    return build_evaluation(
        model_info, VALIDATION, split, CrossValidated(Predictions(probabilities, top >= 0.65), 10), MEASUREMENTS
    )


def test_figures_are_rendered(evaluation: Evaluation) -> None:
    assert render_figures(evaluation) == GOLDEN


def test_an_evaluation_round_trips_through_json(evaluation: Evaluation) -> None:
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_without_reliable_answers_their_accuracy_is_a_dash(evaluation: Evaluation) -> None:
    none = evaluation.model_copy(update={"reliable_coverage": 0.0, "reliable_accuracy": None})
    assert "| accuracy of reliable answers | – |" in render_figures(none)


def test_without_seed_variance_the_rows_are_left_out(evaluation: Evaluation) -> None:
    assert "seeds" not in render_figures(evaluation.model_copy(update={"seed_variance": None}))


def test_a_version_trained_from_scratch(evaluation: Evaluation) -> None:
    alone = PROVENANCE.model_copy(
        update={"soft_label_weights": (0.0, 0.0), "init_sha256": None, "teachers_sha256": (), "init_weight": 0.0}
    )
    text = render_figures(evaluation.model_copy(update={"provenance": alone}))
    assert "| weight of FER+ soft labels | 0.0 |" in text
    assert "| initial weights | random (from scratch) |\n| teachers | none |\n| epochs | 12 |\n| seed | 7 |" in text


def test_cpu_contention_is_shown(evaluation: Evaluation) -> None:
    contended = evaluation.latency.model_copy(update={"cpu_contended": True})
    text = render_figures(evaluation.model_copy(update={"latency": contended}))
    assert "| latency, one face | 2.3 ms (Abacus, one thread, with other load) |" in text


def test_only_the_text_between_the_markers_is_replaced(evaluation: Evaluation) -> None:
    card = f"# Card\n{BEGIN}\nold\n{END}\nThe end.\n"
    renewed = update_figures(card, evaluation)
    assert renewed == f"# Card\n{BEGIN}\n{GOLDEN}\n{END}\nThe end.\n"
    assert update_figures(renewed, evaluation) == renewed


@pytest.mark.parametrize("card", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_card_without_markers_is_rejected(card: str, evaluation: Evaluation) -> None:
    with pytest.raises(CardError, match="must contain these two lines"):
        update_figures(card, evaluation)
