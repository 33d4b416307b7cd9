import pytest

from bench.harness.tables import Table, format_number, percentiles, ratio, to_markdown, to_rich


def test_percentiles() -> None:
    found = percentiles(range(101))
    assert found == {"count": 101, "p50": 50, "p95": 95, "p99": 99, "worst": 100}


def test_percentiles_of_no_values() -> None:
    assert percentiles([]) == {"count": 0, "p50": None, "p95": None, "p99": None, "worst": None}


def test_ratio_needs_both_values() -> None:
    assert ratio(percentiles([3.0]), percentiles([2.0]), "p50") == pytest.approx(1.5)
    assert ratio(percentiles([]), percentiles([2.0]), "p50") is None
    assert ratio(percentiles([3.0]), percentiles([]), "p50") is None


def test_missing_number_is_a_dash() -> None:
    assert [format_number(1234.56), format_number(0.126, 2), format_number(None)] == ["1,234.6", "0.13", "–"]


def test_table_as_markdown_and_in_the_terminal() -> None:
    table = Table("Ages", ("", "p50"), [("one", "1.0"), ("two", "2.0")])
    assert to_markdown(table).splitlines() == [
        "**Ages**",
        "",
        "|  | p50 |",
        "| --- | ---: |",
        "| one | 1.0 |",
        "| two | 2.0 |",
    ]
    assert to_rich(table).row_count == 2
