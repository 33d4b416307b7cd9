from xml.etree import ElementTree

import pytest

from bench.harness.charts import Curve, bars, ceiling, curves
from training.evaluation.charts import svg_document


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.03, 0.05), (1, 1), (1.1, 2), (2.2, 2.5), (99, 100), (101, 200), (720, 1000)]
)
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    assert ceiling(value) == pytest.approx(top)


def test_charts_are_well_formed() -> None:
    lines = [Curve("p50", [(1, 10.0), (6, 20.0)]), Curve("p95", [(1, 10.5), (6, 20.5)])]
    elements = curves("Ages & more", lines, 0, 0) + bars("Path", ("p50", "p95"), {"POST": (1.0, 2.0)}, 0, 300)
    drawn = ElementTree.fromstring(svg_document(900, 600, "Both", elements))
    texts = [element.text for element in drawn.iter() if element.tag.endswith("text")]
    assert {"Ages & more", "p50", "p95", "1", "6", "POST"} <= set(texts)


def test_curve_labels_do_not_overlap() -> None:
    elements = curves("t", [Curve("a", [(1, 10.0)]), Curve("b", [(1, 10.0)])], 0, 0)
    heights = [
        float(element.attrib["y"])
        for element in ElementTree.fromstring(f"<g>{''.join(elements)}</g>").iter("text")
        if element.text in ("a", "b")
    ]
    assert abs(heights[0] - heights[1]) >= 12


def test_larger_values_are_higher() -> None:
    circles = [
        float(element.attrib["cy"])
        for element in ElementTree.fromstring(
            f"<g>{''.join(curves('t', [Curve('a', [(1, 1.0), (2, 9.0)])], 0, 0))}</g>"
        )
        if element.tag == "circle"
    ]
    assert circles[0] > circles[1]
