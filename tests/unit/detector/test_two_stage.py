from services.contracts.geometry import Box, overlap
from services.detector.cascade import Hit
from services.detector.two_stage import Candidate, distinct, grouped


def test_hits_that_lie_together_are_one_candidate() -> None:
    hits = [Hit(Box(100 + shift, 100, 50, 50), 1.0 + shift) for shift in range(3)] + [Hit(Box(400, 0, 60, 60), 9.0)]
    found = sorted(grouped(hits), key=lambda candidate: candidate.neighbors)
    assert found == [Candidate(Box(400, 0, 60, 60), 9.0, 1), Candidate(Box(101, 100, 50, 50), 3.0, 3)]


def test_no_hits_make_no_candidate() -> None:
    assert grouped([]) == []


def test_the_surest_comes_first_and_hides_what_it_overlaps() -> None:
    weak, sure, apart = (
        Candidate(Box(0, 0, 100, 100), 1.0, 6),
        Candidate(Box(10, 10, 100, 100), 9.0, 6),
        Candidate(Box(300, 0, 50, 50), 5.0, 6),
    )
    assert distinct([weak, apart, sure]) == [sure, apart]


def test_overlap() -> None:
    assert overlap(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert overlap(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == 50 / 150
    assert overlap(Box(0, 0, 10, 10), Box(10, 0, 10, 10)) == 0
