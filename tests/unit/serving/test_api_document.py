"""The OpenAPI document of the REST interface."""

from services.contracts.problems import PROBLEM_MEDIA_TYPE
from services.runtime.openapi import add_common_problems
from services.serving.api_document import describe_errors


def test_errors_have_the_form_of_tensorflow_serving() -> None:
    def operation() -> dict[str, object]:
        return {"responses": {"200": {"description": "x"}}}

    paths = {"/v1/models/{name}:predict": {"post": operation()}, "/healthz": {"get": operation()}}
    document = {"paths": paths}
    add_common_problems(document)
    describe_errors(document)
    predict = document["paths"]["/v1/models/{name}:predict"]["post"]
    responses = predict["responses"]
    assert isinstance(responses, dict)
    of_the_guard = ("403", "421")  # which answers before a request comes to the interface
    errors = {status: response for status, response in responses.items() if status not in ("200", *of_the_guard)}
    assert {"400", "404", "413", "500", "501", "503", "504"} <= set(errors)
    assert all("application/json" in response["content"] for response in errors.values())
    problems = {status for status, response in errors.items() if PROBLEM_MEDIA_TYPE in response["content"]}
    assert problems == {"400", "500"}
    assert "requestBody" in predict
    assert "application/json" not in str(document["paths"]["/healthz"])
