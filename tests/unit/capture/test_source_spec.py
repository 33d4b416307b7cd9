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
        ("RTSP://cam/stream", SourceKind.STREAM),
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


@pytest.mark.parametrize("path", ["films/one.mp4", r"C:\films\one.mp4", "demo.avi", "/films/a, b.mp4"])
def test_a_recorded_video_is_a_path_after_its_prefix(path: str) -> None:
    spec = parse_source(f" recorded:{path} ")
    assert (spec.kind, spec.value, spec.public_text) == (SourceKind.RECORDED, path, f"recorded:{path}")


@pytest.mark.parametrize("text", ["recorded:", "recorded: ", "recorded:0", "recorded:demo", "recorded:rtsp://u:hush@h"])
def test_only_a_file_can_be_recorded(text: str) -> None:
    with pytest.raises(ValueError, match="path of a video file") as caught:
        parse_source(text)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "ftp://user:hunter2@host/x", "rtsp://user:hunter2 @host/x"])
def test_what_cannot_be_a_source_is_an_error_that_keeps_the_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"empty|ftp://|%20") as caught:
        parse_source(text)
    assert "hunter2" not in str(caught.value)


def test_only_files_wait_and_only_cameras_have_their_own_pace() -> None:
    assert [parse_source(text).is_live for text in ("0", "rtsp://h", "demo", "a.mp4", "recorded:a.mp4")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [parse_source(text).has_own_pace for text in ("0", "rtsp://h", "demo", "a.mp4")] == [
        True,
        True,
        False,
        False,
    ]


def test_no_password_in_the_repr_the_public_text_or_an_error() -> None:
    spec = parse_source("rtsp://admin:hunter2@door.example:554/live?channel=1")
    assert "hunter2" not in repr(spec)
    assert spec.public_text == "rtsp://door.example:554/live?channel=1"
    cleaned = spec.without_credentials(f"can't open '{spec.value}', nor http://a:b@c/d")
    assert cleaned == "can't open 'rtsp://door.example:554/live?channel=1', nor http://c/d"
