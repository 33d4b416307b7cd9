import tempfile

import pytest

from tests.support.gateway_fakes import FakeServices
from tests.unit.gateway.conftest import Gateway

FORM = (
    b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\npicture\r\n--x--\r\n"
)


def test_a_form_field_is_the_image(gateway: Gateway) -> None:
    services = FakeServices()
    answer = gateway(services).post("/predict", files={"image": ("a.jpg", b"picture", "image/jpeg")})
    assert answer.status_code == 200
    assert services.detector.images == [b"picture"]


def test_a_large_form_is_never_written_to_disk(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")  # a file on disk would have to be made there
    services = FakeServices()
    picture = b"p" * 3_000_000
    answer = gateway(services).post("/predict", files={"image": ("a.jpg", picture, "image/jpeg")})
    assert answer.status_code == 200
    assert services.detector.images == [picture]


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"picture": ("a.jpg", b"x", "image/jpeg")}},
        {"data": {"image": "text"}, "files": {"other": ("a.jpg", b"x", "image/jpeg")}},
        {"content": b"not a form", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": FORM, "headers": {"Content-Type": "multipart/form-data; boundary=x; charset=undefined"}},
        {"files": [(f"f{n}", ("a.jpg", b"x", "image/jpeg")) for n in range(9)]},
    ],
    ids=["field missing", "field is text", "garbage", "no boundary", "no such charset", "too many files"],
)
def test_a_malformed_form_is_refused(gateway: Gateway, form: dict[str, object]) -> None:
    answer = gateway().post("/predict", **form)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:emotion:problem:invalid-parameter")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "image/gif", "application/json", "application/x-www-form-urlencoded"]
)
def test_other_media_types_are_refused(gateway: Gateway, media_type: str) -> None:
    answer = gateway().post("/predict", content=b"x", headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:emotion:problem:unsupported-media-type")
    assert "image/jpeg" in answer.json()["accepted"]


@pytest.mark.parametrize("media_type", ["image/jpeg", "IMAGE/JPEG", "image/png; q=1", "application/octet-stream", None])
def test_accepted_media_types(gateway: Gateway, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    assert gateway().post("/predict", content=b"x", headers=headers).status_code == 200


def test_an_empty_body_is_no_image(gateway: Gateway) -> None:
    answer = gateway().post("/predict", headers={"Content-Type": "image/jpeg"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:emotion:problem:invalid-image")


def test_an_empty_file_in_a_form_is_no_image(gateway: Gateway) -> None:
    answer = gateway().post("/predict", files={"image": ("a.jpg", b"", "image/jpeg")})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:emotion:problem:invalid-image")


def test_a_body_over_the_limit_is_refused(gateway: Gateway) -> None:
    client = gateway(body_limit_bytes=1000)
    raw = client.post("/predict", content=b"x" * 1001, headers={"Content-Type": "image/jpeg"})
    form = client.post("/predict", files={"image": ("a.jpg", b"x" * 1001, "image/jpeg")})
    assert [raw.status_code, form.status_code] == [413, 413]
    assert raw.json()["limit_bytes"] == 1000
