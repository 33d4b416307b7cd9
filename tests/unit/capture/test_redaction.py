import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.redaction import (
    MAX_TEXT_CHARACTERS,
    describe_unexpected,
    redact_device,
    redact_path,
    redact_url,
    truncate,
    url_credentials,
    url_host,
)


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("rtsp://host", "rtsp://host"),
        ("rtsp://host/", "rtsp://host"),
        ("rtsp://host/x", "rtsp://host/…"),
        ("RTSP://user:pw@host:554/x", "rtsp://host:554/…"),
        ("rtsp://user@host", "rtsp://host"),
        ("rtsp://user:p%40w@host?x", "rtsp://host/…"),
        ("rtsp://user:pa@ss:word@host/x", "rtsp://host/…"),
        ("rtsp://user:p|w,1@cam-1.example.org:8554/x", "rtsp://cam-1.example.org:8554/…"),
        ("rtsps://user:pw@[2001:db8::7]:322/x", "rtsps://[2001:db8::7]:322/…"),
        ("http://192.0.2.7:81/videostream.cgi?loginuse=admin&loginpas=hush", "http://192.0.2.7:81/…"),
        ("http://host?token=hush", "http://host/…"),
        ("http://host#hush", "http://host/…"),
        # If the password may have ended early, only the scheme is certain.
        ("rtsp://user:p/w@host/x", "rtsp://…"),
        ("rtsp://user:1234?w#@host/x", "rtsp://…"),
        ("rtsp://1234/hush@host", "rtsp://…"),
        ("rtsp://user:hush", "rtsp://…"),
        ("rtsp://user:99999/x", "rtsp://…"),
        ("rtsp://user:pw\\@host/x", "rtsp://host/…"),
        ("rtsp://host\\hush/x", "rtsp://…"),
        ("rtsp://host/x\\y", "rtsp://…"),
        ("rtsp://[hush]/x", "rtsp://…"),
        ("rtsp://", "rtsp://…"),
        ("no scheme", "…"),
    ],
)
def test_url_is_redacted_to_scheme_host_and_port(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted


SECRET = "hushhush"
_MARKS = st.text(st.sampled_from("@:/?#&=%|,;\\[]+.-_~!$'()*ab1"), max_size=8)


@given(_MARKS, _MARKS, _MARKS, st.sampled_from(["@host/x", "@[::1]:554", "@host:1", "/x", "", "@"]))
def test_password_is_always_redacted(user: str, before: str, after: str, rest: str) -> None:
    # Without an @ after it, the secret may be the host.
    url = f"rtsp://{user}:{before}{SECRET}{after}{rest}"
    redacted = redact_url(url)
    if SECRET in redacted:
        assert url_host(url) in redacted
        assert SECRET in url_host(url)
        assert "@" in before or "@" in user or (not user and not before)


@given(st.sampled_from("/?#"), _MARKS, _MARKS)
def test_everything_after_the_host_is_redacted(mark: str, before: str, after: str) -> None:
    assert SECRET not in redact_url(f"http://cam.example:81{mark}{before}{SECRET}{after}")


@given(st.text(max_size=400))
def test_redacted_url_is_short_and_printable(rest: str) -> None:
    redacted = redact_url(f"https://{rest}")
    assert redacted.isprintable()
    assert len(redacted) < 300


@pytest.mark.parametrize(
    ("path", "redacted"),
    [
        ("film.mp4", "film.mp4"),
        ("/home/me/hush/Ferien in Köln, 2.MKV", "Ferien in Köln, 2.MKV"),
        (r"C:\hush\one.avi", "one.avi"),
        ("/films/token=hush.mp4", "file"),
        ("user:hush@host/stream", "file"),
        ("//user:hush@host", "file"),
        ("film.mp4\n", "file"),
        ("hush", "file"),
        ("", "file"),
    ],
)
def test_path_is_redacted_to_the_name_of_a_video(path: str, redacted: str) -> None:
    assert redact_path(path) == redacted


@pytest.mark.parametrize(
    ("path", "redacted"),
    [
        ("/dev/video0", "/dev/video0"),
        ("/dev/v4l/by-id/usb-046d_HD_Pro-video-index0", "/dev/v4l/by-id/usb-046d_HD_Pro-video-index0"),
        ("/dev/../home/hush", "device"),
        ("/dev/shm/hush", "device"),
        ("/dev/video0?pass=hush", "device"),
    ],
)
def test_devices_other_than_cameras_are_redacted(path: str, redacted: str) -> None:
    assert redact_device(path) == redacted


def test_credentials_are_found_even_if_they_are_not_encoded() -> None:
    assert url_credentials("rtsp://me:pa/s@s:word@host/x") == ("me", "pa/s@s:word")
    assert url_credentials("rtsp://host/x") == ()


def test_long_text_is_truncated_and_unprintable_characters_are_replaced() -> None:
    assert truncate("a\x1b[31m\nb\u202e") == "a�[31m�b�"
    assert len(truncate("x" * 10_000)) == MAX_TEXT_CHARACTERS
    assert truncate("x" * MAX_TEXT_CHARACTERS) == "x" * MAX_TEXT_CHARACTERS


def test_unexpected_exception_is_described_without_its_message() -> None:
    try:
        raise OSError(36, "File name too long", "/films/hush")
    except OSError as error:
        description = describe_unexpected(error)
    assert description.startswith("unexpected OSError at test_redaction.py:")
    assert "hush" not in description
