"""The whole bench, for real and in small: that it measures, not what."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from bench.report import PARTS, tables_of
from tests.support.processes import ROOT

pytestmark = pytest.mark.usefixtures("redis_executable")
TAILS = ("p50", "p95", "p99")


def bench(*arguments: str, module: str = "bench", **settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=clean | settings, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "results"
    done = bench("--quick", "--cpus", "2", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    assert "POST /predict" in done.stdout
    return folder


@pytest.fixture(scope="module")
def report(results: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((results / "bench.json").read_text("utf-8"))
    return read


def rising(of: dict[str, Any]) -> bool:
    return bool(of["count"] > 0 and 0 <= of["p50"] <= of["p95"] <= of["p99"] <= of["worst"])


def test_every_part_is_measured_and_shown(report: dict[str, Any]) -> None:
    assert list(report["parts"]) == list(report["meanwhile"]) == list(PARTS)
    assert all(0 <= of["others_cores"] <= report["made"]["processors"] + 0.1 for of in report["meanwhile"].values())
    assert len(tables_of(report)) >= len(PARTS)


def test_the_machine_and_the_code_are_told(report: dict[str, Any]) -> None:
    made = report["made"]
    assert made["quick"] is True
    assert len(made["load_average"]) == 3
    assert made["processors"] == psutil.cpu_count()
    assert len(made["pinned_to"]) == min(2, made["processors"]) or sys.platform == "darwin"
    assert made["packages"]["numpy"]


def test_the_floor_has_steps_that_add_up(report: dict[str, Any]) -> None:
    for way in ("cold", "hinted"):
        of = report["parts"]["baseline"][way]
        assert all(rising(figures) for figures in of.values())
        assert of["total_ms"]["worst"] >= of["search_ms"]["worst"]


def test_each_way_through_the_system_stands_beside_the_floor(report: dict[str, Any]) -> None:
    path = report["parts"]["overhead"]
    assert rising(path["floor_ms"])
    for key in ("post", "get", "live"):
        of = path[key]
        assert rising(of["wall_ms"])
        assert set(of["over_floor"]) == set(TAILS)
        assert all(
            of["hops_ms"][hop]["count"] == of["wall_ms"]["count"] for hop in ("frame", "detect", "infer", "total")
        )
    assert path["post"]["wall_ms"]["count"] == path["get"]["wall_ms"]["count"] == path["floor_ms"]["count"]
    assert path["live"]["floor_ms"]["count"] == path["live"]["wall_ms"]["count"]


def test_a_stream_is_measured_for_each_number_of_cameras(report: dict[str, Any]) -> None:
    by = report["parts"]["stream"]["by_cameras"]
    assert [of["cameras"] for of in by] == [1, 2]
    for of in by:
        assert 0 < of["analysed"] <= of["published"]
        assert rising(of["age_ms"])
        assert set(of["dropped"]) == {"camera", "unread", "detect", "infer", "viewer"}
        assert {"redis", "serving", "detector", "gateway", "cameras", "viewer"} == set(of["cpu_ms_a_frame"])
        assert 0 < of["faces_found_share"] <= 1


def test_a_load_is_measured_for_each_number_of_clients(report: dict[str, Any]) -> None:
    by = report["parts"]["load"]["by_clients"]
    assert [of["clients"] for of in by] == [1, 4]
    for of in by:
        assert of["answers_a_second"] > 0
        assert rising(of["answered_ms"])
        assert all(megabytes > 1 for megabytes in of["memory_mb"].values())


def test_detection_finds_most_faces_of_each_kind(report: dict[str, Any]) -> None:
    every = report["parts"]["detection"]["by_kind"]["all"]
    assert every["faces"] >= every["found"]["ours"] > every["faces"] / 2
    assert every["time_over_alt2"]["hinted"] < every["time_over_alt2"]["ours"]


def test_each_service_is_started_from_bytecode_and_from_source(report: dict[str, Any]) -> None:
    start = report["parts"]["start"]
    assert set(start) == {"gateway", "detector", "capture"}
    assert all(rising(of) for by_way in start.values() for of in by_way.values())
    assert all(set(by_way) == {"bytecode", "source"} for by_way in start.values())


def test_memory_is_looked_at_before_and_after_requests(report: dict[str, Any]) -> None:
    memory = report["parts"]["memory"]
    assert list(memory["memory_mb"]) == ["0", "20", "40"]
    assert set(memory["growth"]) == {"redis", "serving", "detector", "gateway"}


def test_growth_has_a_cost_at_each_point_of_its_curves(report: dict[str, Any]) -> None:
    growth = report["parts"]["scaling"]
    assert [of["height"] for of in growth["sizes"]] == [360, 540, 720, 1080]
    assert [of["faces"] for of in growth["faces"]] == [0, 1, 2, 4, 8]
    for of in (*growth["sizes"], *growth["faces"]):
        assert rising(of["upload"]["wall_ms"])
        assert rising(of["live"]["wall_ms"])
        assert of["upload"]["cpu_ms"]["detector"] > 0
    assert growth["faces"][0]["hints"]["faces"] is None
    assert growth["faces"][-1]["hints"]["faces"] > growth["faces"][1]["hints"]["faces"]
    assert [of["cameras"] for of in growth["cameras"]] == [of["clients"] for of in growth["clients"]] == [1, 2]
    assert all(
        0 < of["analysed"] <= of["published"] <= of["cameras"] * (10 * of["seconds"] + 1) for of in growth["cameras"]
    )
    assert all(of["cpu_ms_an_answer"]["gateway"] >= 0 for of in growth["clients"])


def test_the_picture_can_be_drawn_and_nothing_runs_on(results: Path) -> None:
    drawn = ElementTree.fromstring((results / "bench.svg").read_text("utf-8"))
    assert any("by cameras" in (element.text or "") for element in drawn.iter())
    assert not psutil.Process().children(recursive=True)


def test_a_system_that_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    done = bench("--quick", "--out", str(tmp_path), "load", EMOTION_DETECTOR_CASCADE="nosuch")
    assert done.returncode == 1
    assert "detector ended" in done.stderr
    assert "nosuch.xml" in done.stderr
    assert not psutil.Process().children(recursive=True)


def test_what_cannot_be_measured_is_named() -> None:
    done = bench("floors")
    assert done.returncode == 2
    assert "floors" in done.stderr


def test_the_tables_can_be_had_for_a_page(results: Path) -> None:
    done = bench(str(results / "bench.json"), module="bench.report")
    assert done.returncode == 0
    assert "| POST /predict |" in done.stdout
