"""A short run of all benchmarks against the real system: every result is present and plausible."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from bench.report import SCENARIOS, tables_of
from tests.support.processes import ROOT

pytestmark = pytest.mark.usefixtures("redis_executable")
TAILS = ("p50", "p95", "p99")


def bench(*arguments: str, module: str = "bench", **settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
    command = [sys.executable, "-m", module, *arguments]
    others = set(psutil.Process().children(recursive=True))  # a stack that other tests share
    done = subprocess.run(
        command, cwd=ROOT, env=clean | settings, capture_output=True, text=True, timeout=600, check=False
    )
    assert set(psutil.Process().children(recursive=True)) <= others, "all processes of the benchmarks have ended"
    return done


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


def test_every_benchmark_has_results_and_tables(report: dict[str, Any]) -> None:
    assert list(report["parts"]) == list(report["background"]) == list(SCENARIOS)
    assert all(
        0 <= of["background_cores"] <= report["environment"]["processors"] + 0.1 for of in report["background"].values()
    )
    assert len(tables_of(report)) >= len(SCENARIOS)


def test_environment_is_reported(report: dict[str, Any]) -> None:
    environment = report["environment"]
    assert environment["quick"] is True
    assert len(environment["load_average"]) == 3
    assert environment["processors"] == psutil.cpu_count()
    assert len(environment["pinned_to"]) == min(2, environment["processors"]) or sys.platform == "darwin"
    assert environment["packages"]["numpy"]


def test_baseline(report: dict[str, Any]) -> None:
    for mode in ("full", "roi"):
        of = report["parts"]["baseline"][mode]
        assert all(rising(percentiles) for percentiles in of.values())
        assert of["total_ms"]["worst"] >= of["search_ms"]["worst"]


def test_overhead(report: dict[str, Any]) -> None:
    overhead = report["parts"]["overhead"]
    assert rising(overhead["baseline_ms"])
    for key in ("post", "get", "live"):
        of = overhead[key]
        assert rising(of["wall_ms"])
        assert set(of["over_baseline"]) == set(TAILS)
        assert all(
            of["stages_ms"][stage]["count"] == of["wall_ms"]["count"] for stage in ("frame", "detect", "infer", "total")
        )
    assert (
        overhead["post"]["wall_ms"]["count"] == overhead["get"]["wall_ms"]["count"] == overhead["baseline_ms"]["count"]
    )
    assert overhead["live"]["baseline_ms"]["count"] == overhead["live"]["wall_ms"]["count"]


def test_stream(report: dict[str, Any]) -> None:
    by = report["parts"]["stream"]["by_cameras"]
    assert [of["cameras"] for of in by] == [1, 2]
    for of in by:
        assert 0 < of["analysed"] <= of["published"]
        assert rising(of["age_ms"])
        assert set(of["dropped"]) == {"camera", "unread", "detect", "infer", "viewer"}
        assert {"redis", "serving", "detector", "gateway", "cameras", "viewer"} == set(of["cpu_ms_per_frame"])
        assert 0 < of["faces_found_share"] <= 1


def test_load(report: dict[str, Any]) -> None:
    by = report["parts"]["load"]["by_clients"]
    assert [of["clients"] for of in by] == [1, 4]
    for of in by:
        assert of["responses_per_s"] > 0
        assert rising(of["answered_ms"])
        assert all(megabytes > 1 for megabytes in of["memory_mb"].values())


def test_detection(report: dict[str, Any]) -> None:
    every = report["parts"]["detection"]["by_kind"]["all"]
    assert every["faces"] >= every["found"]["ours"] > every["faces"] / 2
    assert every["time_over_alt2"]["roi"] < every["time_over_alt2"]["ours"]


def test_start(report: dict[str, Any]) -> None:
    start = report["parts"]["start"]
    assert set(start) == {"gateway", "detector", "capture"}
    assert all(rising(of) for by_way in start.values() for of in by_way.values())
    assert all(set(by_way) == {"bytecode", "source"} for by_way in start.values())


def test_memory(report: dict[str, Any]) -> None:
    memory = report["parts"]["memory"]
    assert list(memory["memory_mb"]) == ["0", "20", "40"]
    assert set(memory["growth"]) == {"redis", "serving", "detector", "gateway"}


def test_scaling(report: dict[str, Any]) -> None:
    scaling = report["parts"]["scaling"]
    assert [of["height"] for of in scaling["sizes"]] == [360, 540, 720, 1080]
    assert [of["faces"] for of in scaling["faces"]] == [0, 1, 2, 4, 8]
    for of in (*scaling["sizes"], *scaling["faces"]):
        assert rising(of["upload"]["wall_ms"])
        assert rising(of["live"]["wall_ms"])
        assert of["upload"]["cpu_ms"]["detector"] > 0
    assert scaling["faces"][0]["roi"]["faces"] is None
    assert scaling["faces"][-1]["roi"]["faces"] > scaling["faces"][1]["roi"]["faces"]
    assert [of["cameras"] for of in scaling["cameras"]] == [of["clients"] for of in scaling["clients"]] == [1, 2]
    assert all(
        0 < of["analysed"] <= of["published"] <= of["cameras"] * (10 * of["seconds"] + 1) for of in scaling["cameras"]
    )
    assert all(of["cpu_ms_per_response"]["gateway"] >= 0 for of in scaling["clients"])


def test_chart_is_well_formed(results: Path) -> None:
    drawn = ElementTree.fromstring((results / "bench.svg").read_text("utf-8"))
    assert any("by cameras" in (element.text or "") for element in drawn.iter())


def test_failed_start_prints_the_last_log_lines(tmp_path: Path) -> None:
    done = bench("--quick", "--out", str(tmp_path), "load", EMOTION_DETECTOR_CASCADE="nosuch")
    assert done.returncode == 1
    assert "detector ended" in done.stderr
    assert "nosuch.xml" in done.stderr


def test_unknown_benchmark() -> None:
    done = bench("floors")
    assert done.returncode == 2
    assert "floors" in done.stderr


def test_tables_as_markdown(results: Path) -> None:
    done = bench(str(results / "bench.json"), module="bench.report")
    assert done.returncode == 0
    assert "| POST /predict |" in done.stdout
