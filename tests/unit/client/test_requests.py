import io
from typing import Any

import pytest

from emotion_client.requests import ask_events, ask_frame, ask_prediction
from emotion_client.transport import connection, is_this_machine


@pytest.mark.parametrize("image", [b"jpeg", bytearray(b"jpeg"), memoryview(b"jpeg"), io.BytesIO(b"jpeg")])
def test_an_image_is_sent_as_the_body(image: Any) -> None:
    ask = ask_prediction(image, None)
    assert (ask.method, ask.path, ask.content) == ("POST", "/predict", b"jpeg")
    assert ask.headers["Content-Type"] == "application/octet-stream"


def test_a_camera_is_named_in_the_query() -> None:
    ask = ask_prediction(None, "cam0")
    assert (ask.method, ask.path, ask.params, ask.content) == ("GET", "/predict", {"camera": "cam0"}, None)


def test_the_only_camera_needs_no_name() -> None:
    assert ask_prediction(None, None).params == {}


@pytest.mark.parametrize("image", [7, io.StringIO("text"), ["face.jpg"]])
def test_what_is_no_image_is_a_type_error(image: Any) -> None:
    with pytest.raises(TypeError, match="bytes, a path, or a file"):
        ask_prediction(image, None)


def test_an_image_and_a_camera_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="not both"):
        ask_prediction(b"jpeg", "cam0")


def test_a_name_stays_one_segment_of_the_path() -> None:
    assert ask_frame("../services?x#y").path == "/cameras/%2E%2E%2Fservices%3Fx%23y/frame%2Ejpg".replace(
        "%2Ejpg", ".jpg"
    )


def test_a_feed_goes_on_after_the_last_frame() -> None:
    first, next_ = ask_events("cam0", None, None), ask_events("cam0", 2.5, "17-0")
    assert (first.params, "Last-Event-ID" in first.headers) == ({}, False)
    assert (next_.params, next_.headers["Last-Event-ID"]) == ({"fps": "2.5"}, "17-0")


@pytest.mark.parametrize("url", ["", "gateway:8000", "ftp://gateway", "http://", "127.0.0.1:8000", "http://[::1"])
def test_what_is_no_address_is_a_value_error(url: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        connection(url, None)


def test_a_key_is_sent_in_its_header() -> None:
    assert connection("http://gateway", "secret")["headers"]["X-API-Key"] == "secret"
    assert "X-API-Key" not in connection("http://gateway", None)["headers"]


@pytest.mark.parametrize(
    ("host", "is_here"), [("localhost", True), ("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("cam", False)]
)
def test_a_proxy_of_the_environment_is_for_other_machines(host: str, is_here: bool) -> None:
    assert is_this_machine(host) is is_here
    assert connection(f"http://{f'[{host}]' if ':' in host else host}:8000", None)["trust_env"] is not is_here
