"""DetectFaces, asked by boto3."""

from collections.abc import Callable
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support import images

Connect = Callable[..., Any]


@pytest.fixture
def connect(compat_gateway: httpx.Client) -> Connect:
    def client(key: str = "KEY") -> Any:
        return boto3.client(
            "rekognition",
            endpoint_url=str(compat_gateway.base_url),
            region_name="eu-west-1",
            aws_access_key_id=key,
            aws_secret_access_key="whatever",
            config=Config(retries={"max_attempts": 0}),
        )

    return client


def test_the_answer_is_that_of_predict(compat_gateway: httpx.Client, connect: Connect, smile: bytes) -> None:
    answer = connect().detect_faces(Image={"Bytes": smile}, Attributes=["ALL"])
    body = compat_gateway.post("/predict", content=smile, headers={"Content-Type": "image/jpeg"}).json()
    (face,), (reported,) = body["faces"], answer["FaceDetails"]
    assert reported["BoundingBox"]["Left"] == pytest.approx(face["box"]["x"] / 1280)
    assert reported["BoundingBox"]["Height"] == pytest.approx(face["box"]["h"] / 720)
    assert reported["Emotions"][0] == {"Type": "HAPPY", "Confidence": pytest.approx(100 * face["confidence"])}
    assert len(reported["Emotions"]) == 7
    assert sum(emotion["Confidence"] for emotion in reported["Emotions"]) == pytest.approx(100)
    assert answer["ResponseMetadata"]["RequestId"] == answer["ResponseMetadata"]["HTTPHeaders"]["x-request-id"]


def test_emotions_are_omitted_without_attributes(connect: Connect, smile: bytes) -> None:
    (reported,) = connect().detect_faces(Image={"Bytes": smile})["FaceDetails"]
    assert set(reported) == {"BoundingBox", "Confidence", "Landmarks", "Quality"}


def test_the_largest_face_is_first_and_none_is_no_error(connect: Connect, no_face: bytes) -> None:
    faces = connect().detect_faces(Image={"Bytes": images.encode(images.two_faces())})["FaceDetails"]
    widths = [face["BoundingBox"]["Width"] for face in faces]
    assert len(widths) == 2
    assert widths == sorted(widths, reverse=True)
    assert connect().detect_faces(Image={"Bytes": no_face}, Attributes=["ALL"])["FaceDetails"] == []


def test_boto3_makes_its_exceptions_of_errors(connect: Connect, smile: bytes) -> None:
    client = connect()
    with pytest.raises(client.exceptions.InvalidImageFormatException):
        client.detect_faces(Image={"Bytes": b"not an image"})
    with pytest.raises(client.exceptions.ImageTooLargeException):
        client.detect_faces(Image={"Bytes": images.huge_png()})
    with pytest.raises(client.exceptions.ImageTooLargeException):
        client.detect_faces(Image={"Bytes": bytes(9_000_000)})
    with pytest.raises(client.exceptions.InvalidS3ObjectException, match=r"Image\.Bytes"):
        client.detect_faces(Image={"S3Object": {"Bucket": "bucket", "Name": "face.jpg"}})
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.detect_faces(Image={})
    with pytest.raises(ClientError, match="UnknownOperationException"):
        client.list_collections()
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        connect("another").detect_faces(Image={"Bytes": smile})
