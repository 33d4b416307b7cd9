import io
from typing import Any

import pytest

from emotion_client.requests import events_request, frame_request, predict_request
from emotion_client.transport import client_options, is_loopback


@pytest.mark.parametrize("image", [b"jpeg", bytearray(b"jpeg"), memoryview(b"jpeg"), io.BytesIO(b"jpeg")])
def test_an_image_is_sent_as_the_body(image: Any) -> None:
    ask = predict_request(image, None)
    assert (ask.method, ask.path, ask.content) == ("POST", "/predict", b"jpeg")
    assert ask.headers["Content-Type"] == "application/octet-stream"


def test_a_camera_is_named_in_the_query() -> None:
    ask = predict_request(None, "cam0")
    assert (ask.method, ask.path, ask.params, ask.content) == ("GET", "/predict", {"camera": "cam0"}, None)


def test_the_only_camera_needs_no_name() -> None:
    assert predict_request(None, None).params == {}


@pytest.mark.parametrize("image", [7, io.StringIO("text"), ["face.jpg"]])
def test_unsupported_image_type_is_a_type_error(image: Any) -> None:
    with pytest.raises(TypeError, match="bytes, a path, or a file"):
        predict_request(image, None)


def test_an_image_and_a_camera_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="not both"):
        predict_request(b"jpeg", "cam0")


def test_camera_id_is_one_path_segment() -> None:
    assert frame_request("../services?x#y").path == "/cameras/%2E%2E%2Fservices%3Fx%23y/frame%2Ejpg".replace(
        "%2Ejpg", ".jpg"
    )


def test_feed_resumes_after_the_last_event() -> None:
    first, next_ = events_request("cam0", None, None), events_request("cam0", 2.5, "17-0")
    assert (first.params, "Last-Event-ID" in first.headers) == ({}, False)
    assert (next_.params, next_.headers["Last-Event-ID"]) == ({"fps": "2.5"}, "17-0")


@pytest.mark.parametrize("url", ["", "gateway:8000", "ftp://gateway", "http://", "127.0.0.1:8000", "http://[::1"])
def test_invalid_url_is_a_value_error(url: str) -> None:
    with pytest.raises(ValueError, match="not an HTTP URL"):
        client_options(url, None)


def test_a_key_is_sent_in_its_header() -> None:
    assert client_options("http://gateway", "secret")["headers"]["X-API-Key"] == "secret"
    assert "X-API-Key" not in client_options("http://gateway", None)["headers"]


@pytest.mark.parametrize(
    ("host", "is_local"), [("localhost", True), ("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("cam", False)]
)
def test_loopback_addresses_ignore_proxies(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local
    assert client_options(f"http://{f'[{host}]' if ':' in host else host}:8000", None)["trust_env"] is not is_local
