"""The fuzzer reports each planted fault and its case, and none for a correct service."""

from pathlib import Path

import pytest

from tests.fuzz.cases import Case, Exchange, load, request
from tests.fuzz.report import Report
from tests.integration.fuzz.conftest import FuzzTiny, get


def printed_kinds(report: Report) -> str:
    return "\n".join(report.kinds)


def test_correct_service_passes(fuzz_tiny: FuzzTiny) -> None:
    posted = Case("planted", Exchange("gateway", (request("POST", "/raw", (), b"x" * 100_000),), complete=True))
    report = fuzz_tiny(get("/items/1"), get("/items/word"), get("/nowhere"), get("/status/503"), posted)
    assert printed_kinds(report) == ""
    assert report.rows["planted"].labels == {"200": 1, "422": 1, "404": 1, "503": 1, "413": 1}
    assert "passed, 5 cases" in report.table()


def test_failure_is_found_in_the_response_and_in_the_log(fuzz_tiny: FuzzTiny) -> None:
    report = fuzz_tiny(get("/fail"))
    assert "planted: … /fail" in report.kinds
    assert "in the log of gateway: RuntimeError" in printed_kinds(report)
    assert "2 kinds of faults" in report.table()


def test_incomplete_response_is_found(fuzz_tiny: FuzzTiny) -> None:
    assert "the response was cut off" in printed_kinds(fuzz_tiny(get("/fail-late")))


def test_traceback_is_attributed_to_its_case(fuzz_tiny: FuzzTiny, folder: Path) -> None:
    cases = [get("/items/1"), get("/items/2"), get("/fail-late"), get("/items/3")]
    report = fuzz_tiny(*cases, together=True)
    assert "in the log of gateway: RuntimeError" in printed_kinds(report)
    written = [load(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))]
    assert written
    assert all(found == [cases[2]] for found in written)


def test_written_cases_can_be_replayed(fuzz_tiny: FuzzTiny, folder: Path) -> None:
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
def test_fault_outside_the_response_is_found(fuzz_tiny: FuzzTiny, path: str, fault: str) -> None:
    assert fault in printed_kinds(fuzz_tiny(get("/items/1"), get(path)))


def test_cost_of_a_heavy_case_is_checked(fuzz_tiny: FuzzTiny) -> None:
    report = fuzz_tiny(get("/keep/80", "heavy"))
    assert "heavy: gateway grew by … MB" in report.kinds


def test_connection_that_is_never_closed_is_found(fuzz_tiny: FuzzTiny) -> None:
    waiting = Case("planted", Exchange("gateway", (request("GET", "/sleep/20"),)))
    assert "the connection is open after … s" in printed_kinds(fuzz_tiny(waiting))


def test_ended_service_is_restarted(fuzz_tiny: FuzzTiny) -> None:
    report = fuzz_tiny(get("/exit"), get("/items/1"))
    assert report.rows["planted"].labels["200"] == 1
