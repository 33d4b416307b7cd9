from services.contracts.geometry import Box
from services.detector.cascade import RawDetection
from services.detector.two_stage import Candidate, group_detections


def test_overlapping_detections_are_one_candidate() -> None:
    detections = [RawDetection(Box(100 + shift, 100, 50, 50), 1.0 + shift) for shift in range(3)] + [
        RawDetection(Box(400, 0, 60, 60), 9.0)
    ]
    found = sorted(group_detections(detections), key=lambda candidate: candidate.neighbors)
    assert found == [Candidate(Box(400, 0, 60, 60), 9.0, 1), Candidate(Box(101, 100, 50, 50), 3.0, 3)]


def test_no_detections_make_no_candidate() -> None:
    assert group_detections([]) == []
