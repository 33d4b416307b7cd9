import pytest

from services.capture.camera_list import parse_cameras
from services.capture.source_spec import SourceKind


def pairs(text: str) -> list[tuple[str, str]]:
    return [(entry.camera, entry.source.value) for entry in parse_cameras(text)]


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
def test_commas_end_an_entry_only_before_the_next_name(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "entry 1 is not of the form id=source"),
        ("demo", "entry 1 is not of the form id=source"),
        ("rtsp://user:hunter2@host/x?y=1", "entry 1 is not of the form id=source"),
        ("a=demo,B=0", "entry 2: an id must match"),
        ("=0", "entry 1: an id must match"),
        ("a=0,a=1", "used more than once: a"),
        ("a=", "a: the source is empty"),
        ("a=0,", "a: after a comma comes"),
        ("a=0,1", "a: after a comma comes"),
        ("a=0,,b=1", "a: after a comma comes"),
        ("a=gopher://user:hunter2@h", "a: a URL must begin with one of"),
        ("a=rtsp://user:123,b=hunter2@h/x", "write a comma before name= as %2C"),
        ("a=0|hunter2", "a: the text to show follows"),
    ],
)
def test_what_is_malformed_is_named_without_its_password(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_cameras(text)
    assert "hunter2" not in str(caught.value)


def test_an_entry_is_printed_with_its_label_or_without_what_may_be_secret() -> None:
    entries = parse_cameras("a=rtsp://u:hush@h/x,b=rtsp://u:hush@h/x | front door")
    assert [str(entry) for entry in entries] == ["a=rtsp://h/…", "b=front door"]


def test_the_order_and_the_kinds_are_kept() -> None:
    assert [entry.source.kind for entry in parse_cameras("z=demo,a=0")] == [SourceKind.DEMO, SourceKind.WEBCAM]
