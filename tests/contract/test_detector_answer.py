"""The JSON, headers and query parameters that detectors and gateways of different versions exchange."""

import base64
import json

from services.contracts import detection
from services.contracts.detection import DetectedFace, Detection, DetectTimings, SearchScope
from services.contracts.geometry import Box, ImageSize, format_roi, parse_roi


def test_route_parameters_and_media_types() -> None:
    assert detection.DETECT_PATH == "/detect"
    assert detection.IMAGE_MEDIA_TYPES == ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
    assert (detection.ROI_PARAMETER, detection.FALLBACK_PARAMETER) == ("roi", "fallback")
    assert (detection.REFERENCE_HEADER, detection.REQUEST_TIMEOUT_HEADER) == (
        "X-Reference-Frame",
        "X-Request-Timeout-Ms",
    )


def test_roi_text() -> None:
    assert format_roi(Box(-4, 133, 196, 200)) == "-4,133,196,200"
    assert parse_roi("-4,133,196,200") == Box(-4, 133, 196, 200)


def test_whole_answer() -> None:
    pixels = bytes(range(256)) * 9
    answer = Detection(
        image=ImageSize(1280, 720),
        scope=SearchScope.ROI,
        faces=(DetectedFace(Box(412, 133, 196, 197), 7.25, 0.5, pixels),),
        timings_ms=DetectTimings(decode=1.5, search=6.0, crop=0.25, total=7.75),
        reference="AAAA",
    )
    assert json.loads(answer.to_json()) == {
        "image": {"width": 1280, "height": 720},
        "scope": "roi",
        "faces": [
            {
                "box": {"x": 412, "y": 133, "w": 196, "h": 197},
                "weight": 7.25,
                "sharpness": 0.5,
                "pixels": base64.b64encode(pixels).decode(),
            }
        ],
        "timings_ms": {"decode": 1.5, "search": 6.0, "crop": 0.25, "total": 7.75},
        "reference": "AAAA",
    }


def test_search_scopes() -> None:
    assert [scope.value for scope in SearchScope] == ["roi", "full", "changed"]
