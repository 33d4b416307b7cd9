from xml.etree import ElementTree

from services.contracts.emotions import EMOTIONS
from training.evaluation.charts import confusion_matrix_chart, reliability_diagram
from training.metrics import ReliabilityBin

SVG = "{http://www.w3.org/2000/svg}"
CONFUSION = [[10 * (row == column) + column for column in range(7)] for row in range(7)]


def elements(picture: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(picture).iter(f"{SVG}{name}"))


def texts(picture: str) -> list[str]:
    return ["".join(element.itertext()) for element in elements(picture, "text")]


def test_confusion_matrix_chart_shows_counts_and_fractions_of_the_row() -> None:
    shown = texts(confusion_matrix_chart(CONFUSION))
    assert [shown.count(emotion) for emotion in EMOTIONS] == [2] * 7
    assert shown.count("16") == 1
    assert f"{100 * 16 / 31:.0f} %" in shown
    assert len([text for text in shown if text.endswith(" %")]) == 49


def test_an_emotion_without_faces_has_empty_cells() -> None:
    picture = confusion_matrix_chart([[0] * 7, *CONFUSION[1:]])
    assert texts(picture).count("0 %") >= 7


def test_bar_height_is_proportional_to_accuracy() -> None:
    parts = [
        ReliabilityBin(low=0.4, high=0.6, faces=10, confidence=0.5, accuracy=0.25),
        ReliabilityBin(low=0.8, high=1.0, faces=40, confidence=0.9, accuracy=0.75),
    ]
    bars = [rect for rect in elements(reliability_diagram(parts), "rect") if rect.get("class") == "bar"]
    heights = [float(bar.attrib["height"]) for bar in bars]
    # Two bars of accuracy, then two of face counts.
    assert heights[1] == 3 * heights[0]
    assert heights[3] == 4 * heights[2]


def test_charts_follow_the_colour_scheme() -> None:
    for picture in (confusion_matrix_chart(CONFUSION), reliability_diagram([])):
        assert "prefers-color-scheme: dark" in picture
        assert picture.startswith("<svg")
        assert elements(picture, "title")
