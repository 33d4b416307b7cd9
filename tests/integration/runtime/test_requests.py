import json
from typing import Any

import httpx
import pytest

from tests.support.tiny_process import Service
from tests.support.tiny_service import SECRET
from tests.support.waiting import wait_until


def logged(service: Service, **fields: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in service.log().splitlines()]
    return [line for line in lines if fields.items() <= line.items()]


def test_failure_is_logged_with_the_request_id(service: Service) -> None:
    with service.client() as client:
        answer = client.get("/fail", headers={"X-Request-ID": "my-id"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "my-id"
    assert SECRET not in answer.text
    (line,) = wait_until(lambda: logged(service, request_id="my-id"), "the failure in the log")
    assert (line["level"], line["service"], line["path"]) == ("ERROR", "tiny", "/fail")
    assert SECRET in line["exc_info"]


def test_response_that_fails_midway_is_cut_off(service: Service) -> None:
    with service.client() as client, pytest.raises(httpx.RemoteProtocolError):
        client.get("/fail-late")


def test_client_disconnect_is_counted_and_not_logged(service: Service) -> None:
    with service.raw() as connection:
        connection.send(b"POST /json HTTP/1.1\r\nHost: tiny\r\nContent-Length: 100\r\n\r\nten bytes.")
    with service.client() as client:
        count = 'http_requests_total{method="POST",route="/json",status="499"} 1.0'
        wait_until(lambda: count in client.get("/metrics").text, "the request to be counted as 499")
    assert logged(service, path="/json") == []


def test_responses_reveal_no_server_software(service: Service) -> None:
    with service.client() as client:
        assert "server" not in client.get("/healthz").headers


def test_loaded_modules_are_frozen_for_the_garbage_collector(service: Service) -> None:
    with service.client() as client:
        assert client.get("/frozen").json() > 10_000
