"""The detector's OpenAPI document."""

from services.contracts.detection import IMAGE_MEDIA_TYPES
from services.contracts.problems import PROBLEM_MEDIA_TYPE
from services.detector.app import create_app
from services.detector.settings import DetectorSettings
from services.runtime.app import Plumbing


def test_detection_names_its_body_and_its_problems() -> None:
    operation = create_app(DetectorSettings(), Plumbing()).openapi()["paths"]["/detect"]["post"]
    assert set(operation["requestBody"]["content"]) == set(IMAGE_MEDIA_TYPES)
    errors = {status: response for status, response in operation["responses"].items() if status >= "400"}
    assert {"400", "408", "413", "415", "422", "500", "503"} <= set(errors)
    assert all(PROBLEM_MEDIA_TYPE in response["content"] for response in errors.values())
    assert "`invalid-image`" in errors["422"]["description"]
