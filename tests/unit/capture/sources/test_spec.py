import pytest

from services.capture.sources.spec import SourceKind, parse_cameras, parse_source


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
def test_kind_of_source(text: str, kind: SourceKind) -> None:
    spec = parse_source(text)
    assert (spec.kind, spec.value) == (kind, text.strip())


def test_scheme_is_converted_to_lower_case() -> None:
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
def test_invalid_source_is_an_error_without_the_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"empty|must begin|%20|digits") as caught:
        parse_source(text)
    assert "hunter2" not in str(caught.value)


def test_only_files_are_files_and_only_cameras_are_real_time() -> None:
    sources = [parse_source(text) for text in ("0", "rtsp://h", "demo", "a.mp4")]
    assert [source.is_file for source in sources] == [False, False, False, True]
    assert [source.is_real_time for source in sources] == [True, True, False, False]


def test_no_password_in_the_repr_or_the_display_name() -> None:
    spec = parse_source("rtsp://admin:hunter2@door.example:554/live?channel=1")
    assert "hunter2" not in repr(spec)
    assert spec.display_name == "rtsp://door.example:554/…"


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("rtsp://u:p@h/x | front door", "rtsp://u:p@h/x", "front door"),
        ("0 | Desk, left", "0", "Desk, left"),
        ("film.mp4  |  Köln ", "film.mp4", "Köln"),
        ("http://h/stream2?token=hush | http://h/stream2", "http://h/stream2?token=hush", "http://h/stream2"),
    ],
)
def test_label_is_displayed_in_place_of_the_source(text: str, value: str, label: str) -> None:
    spec = parse_source(text)
    assert (spec.value, spec.display_name) == (value, label)


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
def test_label_that_may_contain_a_secret_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"label|empty") as caught:
        parse_source(text)
    assert "hunter2" not in str(caught.value)


def pairs(text: str) -> list[tuple[str, str]]:
    return [(entry.camera_id, entry.source.value) for entry in parse_cameras(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cam0=demo", [("cam0", "demo")]),
        ("cam0=0,door=rtsp://u:p@h/x", [("cam0", "0"), ("door", "rtsp://u:p@h/x")]),
        (" cam0 = 0 , cam1 = 1 ", [("cam0", "0"), ("cam1", "1")]),
        ("a=http://h/x?size=1,2,b=demo", [("a", "http://h/x?size=1,2"), ("b", "demo")]),
        ("a=http://h/x?q=1,2&r=3", [("a", "http://h/x?q=1,2&r=3")]),
        ("a=rtsp://u:p=,@h/x,b=0", [("a", "rtsp://u:p=,@h/x"), ("b", "0")]),
        ("a=rtsp://u:p%2Cb=@h", [("a", "rtsp://u:p%2Cb=@h")]),
        ("a=film, part 2.mp4", [("a", "film, part 2.mp4")]),
        ("a=0 | Desk, left,b=rtsp://h | Door", [("a", "0"), ("b", "rtsp://h")]),
    ],
)
def test_comma_ends_an_entry_only_before_the_next_id(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "entry 1 is not of the form id=source"),
        ("demo", "entry 1 is not of the form id=source"),
        ("rtsp://user:hunter2@host/x?y=1", "entry 1 is not of the form id=source"),
        ("a=demo,B=0", "entry 2: an id must match"),
        ("=0", "entry 1: an id must match"),
        ("a=0,a=1", "duplicate camera id: a"),
        ("a=", "a: the source is empty"),
        ("a=0,", "a: expected id=source after the comma"),
        ("a=0,1", "a: expected id=source after the comma"),
        ("a=0,,b=1", "a: expected id=source after the comma"),
        ("a=gopher://user:hunter2@h", "a: a URL must begin with one of"),
        ("a=rtsp://user:123,b=hunter2@h/x", "write a comma before name= as %2C"),
        ("a=0|hunter2", "a: a label must follow"),
    ],
)
def test_malformed_list_is_an_error_without_the_password(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_cameras(text)
    assert "hunter2" not in str(caught.value)


def test_entry_is_printed_with_its_label_or_redacted() -> None:
    entries = parse_cameras("a=rtsp://u:hush@h/x,b=rtsp://u:hush@h/x | front door")
    assert [str(entry) for entry in entries] == ["a=rtsp://h/…", "b=front door"]


def test_order_and_kinds_are_kept() -> None:
    assert [entry.source.kind for entry in parse_cameras("z=demo,a=0")] == [SourceKind.DEMO, SourceKind.WEBCAM]
