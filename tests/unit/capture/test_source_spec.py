import pytest

from services.capture.source_spec import SourceKind, parse_source


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("demo", SourceKind.DEMO),
        ("0", SourceKind.WEBCAM),
        (" 12 ", SourceKind.WEBCAM),
        ("/dev/video1", SourceKind.DEVICE),
        ("rtsp://cam/stream", SourceKind.STREAM),
        ("https://cam/a=b?x=1,2", SourceKind.STREAM),
        ("films/one.mp4", SourceKind.FILE),
        (r"C:\films\one.mp4", SourceKind.FILE),
        ("demo.avi", SourceKind.FILE),
        ("record.avi", SourceKind.FILE),
    ],
)
def test_a_source_is_recognised_by_its_form(text: str, kind: SourceKind) -> None:
    spec = parse_source(text)
    assert (spec.kind, spec.value) == (kind, text.strip())


def test_a_scheme_may_be_written_in_capitals_which_ffmpeg_does_not_know() -> None:
    assert parse_source("RTSP://Cam/Stream").value == "rtsp://Cam/Stream"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ftp://user:hunter2@host/x",
        "hunter2://host/x",
        "rtsp:/user:hunter2@host/x",
        "http:user:hunter2@host",
        "rtsp://user:hunter2 @host/x",
        "rtsp://user:hunter2\x1b@host/x",
        "1234567",
    ],
)
def test_what_cannot_be_a_source_is_an_error_that_keeps_the_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"empty|must begin|%20|digits") as caught:
        parse_source(text)
    assert "hunter2" not in str(caught.value)


def test_only_files_wait_and_only_cameras_have_their_own_pace() -> None:
    assert [parse_source(text).is_live for text in ("0", "rtsp://h", "demo", "a.mp4")] == [
        True,
        True,
        True,
        False,
    ]
    assert [parse_source(text).has_own_pace for text in ("0", "rtsp://h", "demo", "a.mp4")] == [
        True,
        True,
        False,
        False,
    ]


def test_no_password_in_the_repr_or_the_public_text() -> None:
    spec = parse_source("rtsp://admin:hunter2@door.example:554/live?channel=1")
    assert "hunter2" not in repr(spec)
    assert spec.public_text == "rtsp://door.example:554/…"


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("rtsp://u:p@h/x | front door", "rtsp://u:p@h/x", "front door"),
        ("0 | Desk, left", "0", "Desk, left"),
        ("film.mp4  |  Köln ", "film.mp4", "Köln"),
        ("http://h/stream2?token=hush | http://h/stream2", "http://h/stream2?token=hush", "http://h/stream2"),
    ],
)
def test_a_label_is_shown_in_place_of_the_source(text: str, value: str, label: str) -> None:
    spec = parse_source(text)
    assert (spec.value, spec.public_text) == (value, label)


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://user:pa|hunter2@host/x",  # a password from before labels must not become one
        "http://host/?p=a|hunter2",
        "0|Desk",
        "0 | a | hunter2",
        "0 | ",
        " | hunter2",
        "rtsp://user:hunter2@host/x | door (Hunter2)",
        "rtsp://user:hunt%65r2@host/x | hunter2",
        "rtsp://user:hunter/2@host/x | hunter/2",
        "rtsp://user:pw@host/x | user:hunter2@host",
        "http://host/?token=hunter2 | http://host/?token=hunter2",
        "0 | hunter2\u202e",
        "0 | " + "x" * 101,
    ],
)
def test_a_label_that_may_hold_a_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"text to show|empty") as caught:
        parse_source(text)
    assert "hunter2" not in str(caught.value)
