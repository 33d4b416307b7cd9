import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.text import MAX_TERMINAL_CHARS, csv_text, escape_controls

HARMLESS = "Türe, 前門 🙂 – 20 °C «a» \u00a0\u3000 क्\u200dष"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HARMLESS, HARMLESS),
        ("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u202eabc\u2066\u2069\u200e", r"\u202eabc\u2066\u2069\u200e"),
        ("\u2028\u2029\ufeff\U000e0041", r"\u2028\u2029\ufeff\U000e0041"),
        ("\udc9b", r"\udc9b"),
    ],
)
def test_what_a_terminal_acts_on_is_escaped_and_the_rest_stays(text: str, shown: str) -> None:
    assert escape_controls(text) == shown


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_nothing_unsafe_is_left_of_any_text(text: str) -> None:
    shown = escape_controls(text)
    assert [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")] == []
    assert [
        letter
        for letter in shown
        if unicodedata.bidirectional(letter) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI")
    ] == []
    assert escape_controls(shown) == shown
    shown.encode()


def test_a_text_without_end_is_cut() -> None:
    assert len(escape_controls("x" * 10**6)) == MAX_TERMINAL_CHARS


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("face.jpg", "face.jpg"),
        ("", ""),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1.jpg", "'-1.jpg"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", r"'\t=1"),
        ("\rx", r"'\rx"),
        ("\nx", r"'\nx"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
    ],
)
def test_no_cell_of_csv_is_a_formula(text: str, cell: str) -> None:
    assert csv_text(text) == cell
    out = io.StringIO()
    csv.writer(out).writerow([csv_text(text)])
    assert next(csv.reader(io.StringIO(out.getvalue())), [""]) in ([cell], [])
