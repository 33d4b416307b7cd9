import numpy as np
import pytest

from services.contracts.emotions import EMOTIONS
from training.card import BEGIN, END, CardError, figures, with_figures
from training.dataset import VALIDATION, Split
from training.report import Answers, Evaluation, Subject, evaluation_of

GOLDEN = """\
| figure | value |
| --- | ---: |
| model version | 3 |
| size | 5.7 MB |
| trained on | 28,006 faces (703 left out) |
| evaluated on PublicTest | 8 faces |
| accuracy | 75.0 % (95 % interval 40.9 % to 92.9 %) |
| macro F1 | 63.8 % |
| expected calibration error | 15.0 % |
| negative log-likelihood | 1.079 nats |
| reliable from a top probability of | 0.650 |
| chosen so that | it is easy to test |
| faces answered reliably | 50.0 % |
| accuracy of those | 75.0 % |

| emotion | precision | recall | F1 | faces |
| --- | ---: | ---: | ---: | ---: |
| angry | 66.7 % | 100.0 % | 80.0 % | 2 |
| disgust | 100.0 % | 100.0 % | 100.0 % | 1 |
| fear | 100.0 % | 100.0 % | 100.0 % | 1 |
| happy | 50.0 % | 100.0 % | 66.7 % | 1 |
| sad | 0.0 % | 0.0 % | 0.0 % | 1 |
| surprise | 100.0 % | 100.0 % | 100.0 % | 1 |
| neutral | 0.0 % | 0.0 % | 0.0 % | 1 |

A row per true emotion, a column per answer:

|  | angry | disgust | fear | happy | sad | surprise | neutral |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| **angry** | 2 | 0 | 0 | 0 | 0 | 0 | 0 |
| **disgust** | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| **fear** | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| **happy** | 0 | 0 | 0 | 1 | 0 | 0 | 0 |
| **sad** | 1 | 0 | 0 | 0 | 0 | 0 | 0 |
| **surprise** | 0 | 0 | 0 | 0 | 0 | 1 | 0 |
| **neutral** | 0 | 0 | 0 | 1 | 0 | 0 | 0 |"""


@pytest.fixture
def evaluation() -> Evaluation:
    """Eight faces: half answered at 0.7, half at 0.5; sad and neutral are missed."""
    labels, predicted = [0, 0, 1, 2, 3, 4, 5, 6], [0, 0, 1, 2, 3, 0, 5, 3]
    top = np.array([0.7, 0.7, 0.7, 0.5, 0.5, 0.7, 0.5, 0.5], np.float32)
    probabilities = np.repeat((1 - top[:, np.newaxis]) / 6, len(EMOTIONS), axis=1)
    probabilities[np.arange(8), predicted] = top
    subject = Subject(3, 5_713_636, 0.65, "it is easy to test", "0" * 64, 28_006, 703)
    split = Split(np.zeros((8, 48, 48), np.uint8), np.array(labels, np.uint8))
    return evaluation_of(subject, VALIDATION, split, Answers(probabilities, top >= 0.65))


def test_figures_are_rendered(evaluation: Evaluation) -> None:
    assert figures(evaluation) == GOLDEN


def test_an_evaluation_survives_its_file(evaluation: Evaluation) -> None:
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_without_reliable_answers_their_accuracy_is_left_open(evaluation: Evaluation) -> None:
    none = evaluation.model_copy(update={"reliable_coverage": 0.0, "reliable_accuracy": None})
    assert "| accuracy of those | – |" in figures(none)


def test_only_what_stands_between_the_markers_is_replaced(evaluation: Evaluation) -> None:
    card = f"# Card\n{BEGIN}\nold\n{END}\nThe end.\n"
    renewed = with_figures(card, evaluation)
    assert renewed == f"# Card\n{BEGIN}\n{GOLDEN}\n{END}\nThe end.\n"
    assert with_figures(renewed, evaluation) == renewed


@pytest.mark.parametrize("card", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_card_without_a_place_for_figures_is_refused(card: str, evaluation: Evaluation) -> None:
    with pytest.raises(CardError, match="must hold these two lines"):
        with_figures(card, evaluation)
