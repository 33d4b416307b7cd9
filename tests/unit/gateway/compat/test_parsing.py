"""Parsing of requests of the compatible APIs."""

import base64
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from services.gateway.compat import compreface, deepface, rekognition
from services.gateway.compat.base import CompatApiError, ParseError, decode_base64, parse_json_object
from services.gateway.compat.compreface import DetectOptions
from services.gateway.compat.rekognition import credential

BASE64 = base64.b64encode(b"picture").decode()
URI = f"data:image/jpeg;base64,{BASE64}"


def test_deepface_takes_a_data_uri_or_a_file() -> None:
    assert deepface.parse_request({"img": URI}, None).image == b"picture"
    assert deepface.parse_request({}, b"file").image == b"file"
    assert deepface.parse_request({"img": URI}, None).enforce_detection


@pytest.mark.parametrize(
    ("given", "expected"),
    [(True, True), ("True", True), ("true", True), (False, False), ("False", False), ("false", False), ("0", False)],
)
def test_deepface_knows_that_the_string_false_is_not_true(given: object, expected: bool) -> None:
    assert deepface.parse_request({"img": URI, "enforce_detection": given}, None).enforce_detection is expected


@pytest.mark.parametrize("actions", [["emotion"], ["age", "emotion"], "emotion", '["emotion", "age"]', "('emotion',)"])
def test_deepface_takes_actions_with_the_emotion_among_them(actions: object) -> None:
    assert deepface.parse_request({"img": URI, "actions": actions}, None).image == b"picture"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "img is missing"),
        ({"img": 5}, "img is missing"),
        ({"img": "https://example.org/face.jpg"}, "no URL is fetched"),
        ({"img": "/etc/passwd"}, "no file is read"),
        ({"img": BASE64}, "data URI"),
        ({"img": "data:image/jpeg,text"}, "data URI"),
        ({"img": "data:image/jpeg;base64,!"}, "img: it isn't base64"),
        ({"img": URI, "actions": ["age"]}, "must name emotion"),
        ({"img": URI, "actions": ["mood"]}, "actions must be"),
        ({"img": URI, "actions": 7}, "actions must be"),
        ({"img": URI, "actions": [["emotion"]]}, "actions must be"),
        ({"img": URI, "enforce_detection": "maybe"}, "enforce_detection must be"),
        ({"img": URI, "align": None}, "align must be"),
        ({"img": URI, "detector_backend": "skip"}, "skip"),
        ({"img": URI, "anti_spoofing": "true"}, "anti_spoofing"),
    ],
)
def test_deepface_refuses(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        deepface.parse_request(fields, None)


def test_compreface_reads_its_query() -> None:
    options = compreface.parse_request(
        {"limit": "2", "det_prob_threshold": "0.8", "status": "True", "face_plugins": "age,emotion"}
    )
    assert options == DetectOptions(2, 0.8, True)
    assert compreface.parse_request({"limit": "", "status": ""}) == DetectOptions(0, 0.0, False)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "-1"},
        {"limit": "1.5"},
        {"limit": "²"},
        {"limit": "9" * 5000},
        {"det_prob_threshold": "1.1"},
        {"det_prob_threshold": "nan"},
        {"det_prob_threshold": "high"},
        {"status": "maybe"},
    ],
)
def test_compreface_refuses(query: dict[str, str]) -> None:
    with pytest.raises(ParseError, match=next(iter(query))):
        compreface.parse_request(query)


@pytest.mark.parametrize(
    ("attributes", "emotions"),
    [(None, False), ([], False), (["DEFAULT"], False), (["ALL"], True), (["DEFAULT", "EMOTIONS"], True)],
)
def test_rekognition_tells_emotions_where_they_are_asked_for(attributes: object, emotions: bool) -> None:
    options = rekognition.parse_request({"Image": {"Bytes": BASE64}, "Attributes": attributes})
    assert (options.image, options.emotions) == (b"picture", emotions)


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({}, "InvalidParameterException"),
        ({"Image": {}}, "InvalidParameterException"),
        ({"Image": {"Bytes": 5}}, "InvalidParameterException"),
        ({"Image": {"Bytes": "!"}}, "SerializationException"),
        ({"Image": {"S3Object": {"Bucket": "b", "Name": "n"}}}, "InvalidS3ObjectException"),
        ({"Image": {"Bytes": BASE64}, "Attributes": "ALL"}, "InvalidParameterException"),
        ({"Image": {"Bytes": BASE64}, "Attributes": ["MOOD"]}, "InvalidParameterException"),
        ({"Image": {"Bytes": BASE64}, "Attributes": [[]]}, "InvalidParameterException"),
    ],
)
def test_rekognition_refuses(members: dict[str, Any], name: str) -> None:
    with pytest.raises(CompatApiError) as refused:
        rekognition.parse_request(members)
    assert (refused.value.error.status, refused.value.error.body["__type"]) == (400, name)


def test_base64_may_be_broken_into_lines() -> None:
    assert decode_base64(BASE64[:4] + "\r\n" + BASE64[4:]) == b"picture"


@pytest.mark.parametrize("text", ["a", "ä", "a-b_", BASE64[:-1]])
def test_what_is_not_base64(text: str) -> None:
    with pytest.raises(ParseError):
        decode_base64(text)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b"5", b"\xff", b'{"a": ' + b"9" * 5000 + b"}", b"[" * 900, b'{"a": [' + b"1," * 2000 + b"1]}"],
    ids=["nothing", "half", "list", "number", "not UTF-8", "digits without end", "half a list", "many values"],
)
def test_what_is_not_an_object_of_a_few_values(body: bytes) -> None:
    with pytest.raises(ParseError):
        parse_json_object(body)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ParseError):
        parse_json_object(b"[" * 100_000, max_values=1_000_000)


SIGNED = "AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host, Signature=s"


@pytest.mark.parametrize(
    ("authorization", "key"),
    [
        (SIGNED.format("AKIA1/20261124/eu-west-1/rekognition/aws4_request"), "AKIA1"),
        ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=s, Credential=AKIA1/20261124", "AKIA1"),
        (SIGNED.format("a=b&c/20261124"), "a=b&c"),
        (SIGNED.format("AKIA1"), ""),
        (SIGNED.format("two words/20261124"), ""),
        (SIGNED.format("one,two/20261124"), ""),
        (SIGNED.format("/20261124"), ""),
        ("AWS4-HMAC-SHA256 " + 5000 * "Credential=", ""),
        ("AWS4-HMAC-SHA512 Credential=AKIA1/20261124", ""),
        ("Bearer AKIA1", "AKIA1"),
        ("", ""),
    ],
)
def test_rekognition_s_key_is_the_access_key_id(authorization: str, key: str) -> None:
    headers = [(b"authorization", authorization.encode())]
    assert credential(HTTPConnection({"type": "http", "headers": headers})) == key
