"""The fuzzer sees what is planted, tells which case it was, and is content with a service that does nothing wrong."""

from pathlib import Path

import pytest

from tests.fuzz.cases import Case, Exchange, load, request
from tests.fuzz.report import Report
from tests.integration.fuzz.conftest import FuzzTiny, get


def told(report: Report) -> str:
    return "\n".join(report.kinds)


def test_correct_service_passes(fuzz_tiny: FuzzTiny) -> None:
    posted = Case("planted", Exchange("gateway", (request("POST", "/raw", (), b"x" * 100_000),), complete=True))
    report = fuzz_tiny(get("/items/1"), get("/items/word"), get("/nowhere"), get("/status/503"), posted)
    assert told(report) == ""
    assert report.rows["planted"].labels == {"200": 1, "422": 1, "404": 1, "503": 1, "413": 1}
    assert "passed, 5 cases" in report.table()


def test_a_failure_is_seen_in_the_answer_and_in_the_log(fuzz_tiny: FuzzTiny) -> None:
    report = fuzz_tiny(get("/fail"))
    assert "planted: … /fail" in report.kinds
    assert "in the log of gateway: RuntimeError" in told(report)
    assert "2 kinds of faults" in report.table()


def test_an_answer_that_breaks_off_is_seen(fuzz_tiny: FuzzTiny) -> None:
    assert "the answer was cut off" in told(fuzz_tiny(get("/fail-late")))


def test_the_case_of_a_traceback_is_found_among_others(fuzz_tiny: FuzzTiny, folder: Path) -> None:
    cases = [get("/items/1"), get("/items/2"), get("/fail-late"), get("/items/3")]
    report = fuzz_tiny(*cases, together=True)
    assert "in the log of gateway: RuntimeError" in told(report)
    written = [load(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))]
    assert written
    assert all(found == [cases[2]] for found in written)


def test_saved_cases_can_be_replayed(fuzz_tiny: FuzzTiny, folder: Path) -> None:
    first = fuzz_tiny(get("/fail"))
    (file, *_) = sorted(folder.glob("*.json"))
    again = fuzz_tiny(*load(file.read_text("utf-8")))
    assert set(again.kinds) == set(first.kinds)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/keep/80", "gateway grew from"),
        ("/open/60", "files open"),
        ("/log/2000", "gateway logged"),
        ("/block/4", "/healthz of gateway took"),
        ("/exit", "gateway ended"),
        ("/html", "HTML without a policy"),
    ],
)
def test_faults_outside_the_response_are_detected(fuzz_tiny: FuzzTiny, path: str, fault: str) -> None:
    assert fault in told(fuzz_tiny(get("/items/1"), get(path)))


def test_cost_of_a_heavy_case_is_detected(fuzz_tiny: FuzzTiny) -> None:
    report = fuzz_tiny(get("/keep/80", "heavy"))
    assert "heavy: gateway took … MB more" in report.kinds


def test_a_connection_that_is_never_closed_is_seen(fuzz_tiny: FuzzTiny) -> None:
    waiting = Case("planted", Exchange("gateway", (request("GET", "/sleep/20"),)))
    assert "the connection is open after … s" in told(fuzz_tiny(waiting))


def test_a_service_that_ended_is_started_again(fuzz_tiny: FuzzTiny) -> None:
    report = fuzz_tiny(get("/exit"), get("/items/1"))
    assert report.rows["planted"].labels["200"] == 1
