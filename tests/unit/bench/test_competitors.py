from typing import Any

import pytest

from bench.competitors.measurements import PredictionStats, ratios
from bench.competitors.process import CompetitorResult
from bench.competitors.report import tables_of
from services.contracts.geometry import Box

FACE, ELSEWHERE = Box(100, 100, 80, 80), Box(500, 300, 80, 80)


def test_ratios() -> None:
    of = ratios([1, 2, 30], [10, 4, 10])
    assert of["of_medians"] == pytest.approx(0.2)
    assert of["p50"] == pytest.approx(0.5)
    assert 0.1 <= of["p5"] < of["p50"] < of["p95"] <= 3


def test_prediction_stats() -> None:
    stats = PredictionStats()
    stats.add(CompetitorResult(0.1, 0.09, (Box(104, 98, 84, 84), ELSEWHERE), ("happy", "sad")), [FACE])
    stats.add(CompetitorResult(0.3, None, (), ()), [FACE, ELSEWHERE])
    stats.add(CompetitorResult(0.2, 0.19, (FACE,), (None,)), [FACE])
    summary = stats.summary()
    assert (summary["faces_found"], summary["false_faces"]) == (2, 1)
    assert summary["emotions"] == {"happy": 1, "sad": 1}
    assert summary["wall_ms"]["p50"] == pytest.approx(200)
    assert summary["cpu_ms"]["count"] == 2


def test_tables_of_the_comparison() -> None:
    stats = PredictionStats()
    stats.add(CompetitorResult(0.1, None, (FACE,), ("happy",)), [FACE])
    ratio = ratios([0.1], [0.2])
    report: dict[str, Any] = {
        "competitors": {"fer": {"version": "25.10.3", "licence": "MIT"}},
        "images": {
            "images": 1,
            "faces": 1,
            "systems": {"ours": stats.summary(), "fer": stats.summary()},
            "own_cpu_ms_per_image": {"gateway": 1.0, "detector": 2.5},
            "wall_ratio_to": {"fer": ratio},
        },
        "stream": {"rounds": [{}], "cpu_ms_per_frame": {"ours": 3.0, "fer": 30.0}, "cpu_ratio_to": {"fer": ratio}},
    }
    images, stream, targets = tables_of(report)
    assert [row[0] for row in images.rows] == ["ours", "fer 25.10.3 (MIT)"]
    assert images.rows[0][4:] == ("3.5", "1/1", "0", "", "")
    assert images.rows[1][4:] == ("–", "1/1", "0", "0.50", "0.50 to 0.50")
    assert stream.rows[1] == ("fer 25.10.3 (MIT)", "30.00", "0.500", "0.500 to 0.500")
    assert [row[-1] for row in targets.rows] == ["met", "not met"]
    for table in (images, stream, targets):
        assert all(len(row) == len(table.columns) for row in table.rows)
