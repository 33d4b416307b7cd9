from typing import Any

import pytest

from bench.competitors.measurements import Looks, ratios
from bench.competitors.process import Found
from bench.competitors.report import tables_of
from services.contracts.geometry import Box

FACE, ELSEWHERE = Box(100, 100, 80, 80), Box(500, 300, 80, 80)


def test_ratios_are_of_the_medians_and_of_each() -> None:
    of = ratios([1, 2, 30], [10, 4, 10])
    assert of["of_medians"] == pytest.approx(0.2)
    assert of["p50"] == pytest.approx(0.5)
    assert 0.1 <= of["p5"] < of["p50"] < of["p95"] <= 3


def test_looks_count_faces_that_are_there_false_ones_and_emotions() -> None:
    looks = Looks()
    looks.add(Found(0.1, 0.09, (Box(104, 98, 84, 84), ELSEWHERE), ("happy", "sad")), [FACE])
    looks.add(Found(0.3, None, (), ()), [FACE, ELSEWHERE])
    looks.add(Found(0.2, 0.19, (FACE,), (None,)), [FACE])
    summary = looks.summary()
    assert (summary["faces_found"], summary["false_faces"]) == (2, 1)
    assert summary["emotions"] == {"happy": 1, "sad": 1}
    assert summary["wall_ms"]["p50"] == pytest.approx(200)
    assert summary["cpu_ms"]["count"] == 2


def test_the_report_names_versions_and_licences_and_leaves_out_what_is_unknown() -> None:
    looks = Looks()
    looks.add(Found(0.1, None, (FACE,), ("happy",)), [FACE])
    ratio = ratios([0.1], [0.2])
    report: dict[str, Any] = {
        "peers": {"fer": {"version": "25.10.3", "licence": "MIT"}},
        "pictures": {
            "pictures": 1,
            "faces": 1,
            "systems": {"ours": looks.summary(), "fer": looks.summary()},
            "ours_cpu_ms_a_picture": {"gateway": 1.0, "detector": 2.5},
            "wall_of_ours_to": {"fer": ratio},
        },
        "stream": {"rounds": [{}], "cpu_ms_a_frame": {"ours": 3.0, "fer": 30.0}, "cpu_of_ours_to": {"fer": ratio}},
    }
    pictures, stream, promises = tables_of(report)
    assert [row[0] for row in pictures.rows] == ["ours", "fer 25.10.3 (MIT)"]
    assert pictures.rows[0][4:] == ("3.5", "1/1", "0", "", "")
    assert pictures.rows[1][4:] == ("–", "1/1", "0", "0.50", "0.50 to 0.50")
    assert stream.rows[1] == ("fer 25.10.3 (MIT)", "30.00", "0.500", "0.500 to 0.500")
    assert [row[-1] for row in promises.rows] == ["held", "not held"]
    for table in (pictures, stream, promises):
        assert all(len(row) == len(table.columns) for row in table.rows)
