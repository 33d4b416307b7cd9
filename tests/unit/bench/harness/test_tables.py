import pytest

from bench.harness.tables import Table, figures, for_page, for_terminal, ratio, shown


def test_percentiles_lie_where_they_should() -> None:
    found = figures(range(101))
    assert found == {"count": 101, "p50": 50, "p95": 95, "p99": 99, "worst": 100}


def test_of_nothing_there_are_no_figures() -> None:
    assert figures([]) == {"count": 0, "p50": None, "p95": None, "p99": None, "worst": None}


def test_ratios_need_both_figures() -> None:
    assert ratio(figures([3.0]), figures([2.0]), "p50") == pytest.approx(1.5)
    assert ratio(figures([]), figures([2.0]), "p50") is None
    assert ratio(figures([3.0]), figures([]), "p50") is None


def test_what_is_missing_shows_as_a_dash() -> None:
    assert [shown(1234.56), shown(0.126, 2), shown(None)] == ["1,234.6", "0.13", "–"]


def test_a_table_becomes_markdown_and_lines_of_a_terminal() -> None:
    table = Table("Ages", ("", "p50"), [("one", "1.0"), ("two", "2.0")])
    assert for_page(table).splitlines() == [
        "**Ages**",
        "",
        "|  | p50 |",
        "| --- | ---: |",
        "| one | 1.0 |",
        "| two | 2.0 |",
    ]
    assert for_terminal(table).row_count == 2
