"""The exact error objects, and which status each kind of problem has."""

import json

from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemKind

STATUS_AND_RETRY = {
    "bad-request": (400, None),
    "unauthorized": (401, None),
    "cross-origin-forbidden": (403, None),
    "not-found": (404, None),
    "camera-not-found": (404, None),
    "method-not-allowed": (405, None),
    "body-too-slow": (408, None),
    "body-too-large": (413, None),
    "unsupported-media-type": (415, None),
    "unknown-host": (421, None),
    "invalid-parameter": (422, None),
    "invalid-image": (422, None),
    "image-too-large": (422, None),
    "camera-ambiguous": (422, None),
    "rate-limited": (429, 1),
    "internal": (500, None),
    "no-camera": (503, 2),
    "no-fresh-frame": (503, 2),
    "dependency-unavailable": (503, 2),
    "overloaded": (503, 1),
    "stopping": (503, 1),
    "dependency-timeout": (504, None),
}


def test_status_of_every_kind() -> None:
    table = {kind.type.removeprefix("urn:emotion:problem:"): (kind.status, kind.retry_after_s) for kind in ProblemKind}
    assert table == STATUS_AND_RETRY


def test_every_503_has_a_retry_after() -> None:
    assert all(kind.retry_after_s for kind in ProblemKind if kind.status in (429, 503))


def test_kinds_are_distinguished() -> None:
    assert len({kind.title for kind in ProblemKind}) == len(ProblemKind), "equal kinds would be aliases of one another"


def test_media_type() -> None:
    assert PROBLEM_MEDIA_TYPE == "application/problem+json"


def test_whole_object_with_extensions() -> None:
    problem = Problem(ProblemKind.CAMERA_AMBIGUOUS, "Name one of: cam0, cam1", {"cameras": ["cam0", "cam1"]})
    assert json.dumps(problem.encode("5f3a")) == (
        '{"type": "urn:emotion:problem:camera-ambiguous", "title": "Camera must be specified", "status": 422, '
        '"detail": "Name one of: cam0, cam1", "request_id": "5f3a", "cameras": ["cam0", "cam1"]}'
    )
