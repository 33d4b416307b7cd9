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
    ("url", "shown"),
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
        # Where the password may have ended early, nothing but the scheme is certain.
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
def test_only_scheme_host_and_port_of_a_url_are_shown(url: str, shown: str) -> None:
    assert redact_url(url) == shown


SECRET = "hushhush"
_MARKS = st.text(st.sampled_from("@:/?#&=%|,;\\[]+.-_~!$'()*ab1"), max_size=8)


@given(_MARKS, _MARKS, _MARKS, st.sampled_from(["@host/x", "@[::1]:554", "@host:1", "/x", "", "@"]))
def test_no_password_survives_whatever_surrounds_it(user: str, before: str, after: str, rest: str) -> None:
    # Without an @ behind it a word may well be the host.
    url = f"rtsp://{user}:{before}{SECRET}{after}{rest}"
    shown = redact_url(url)
    if SECRET in shown:
        assert url_host(url) in shown
        assert SECRET in url_host(url)
        assert "@" in before or "@" in user or (not user and not before)


@given(st.sampled_from("/?#"), _MARKS, _MARKS)
def test_nothing_behind_the_host_is_shown(mark: str, before: str, after: str) -> None:
    assert SECRET not in redact_url(f"http://cam.example:81{mark}{before}{SECRET}{after}")


@given(st.text(max_size=400))
def test_what_is_shown_of_any_url_is_short_and_printable(rest: str) -> None:
    shown = redact_url(f"https://{rest}")
    assert shown.isprintable()
    assert len(shown) < 300


@pytest.mark.parametrize(
    ("path", "shown"),
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
def test_of_a_file_only_a_videos_name_is_shown(path: str, shown: str) -> None:
    assert redact_path(path) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/dev/video0", "/dev/video0"),
        ("/dev/v4l/by-id/usb-046d_HD_Pro-video-index0", "/dev/v4l/by-id/usb-046d_HD_Pro-video-index0"),
        ("/dev/../home/hush", "device"),
        ("/dev/shm/hush", "device"),
        ("/dev/video0?pass=hush", "device"),
    ],
)
def test_of_devices_only_cameras_are_shown(path: str, shown: str) -> None:
    assert redact_device(path) == shown


def test_user_and_password_are_found_even_where_they_are_not_encoded() -> None:
    assert url_credentials("rtsp://me:pa/s@s:word@host/x") == ("me", "pa/s@s:word")
    assert url_credentials("rtsp://host/x") == ()


def test_a_text_that_is_too_long_is_cut_and_what_cannot_be_printed_is_replaced() -> None:
    assert truncate("a\x1b[31m\nb\u202e") == "a�[31m�b�"
    assert len(truncate("x" * 10_000)) == MAX_TEXT_CHARACTERS
    assert truncate("x" * MAX_TEXT_CHARACTERS) == "x" * MAX_TEXT_CHARACTERS


def test_an_unforeseen_exception_is_told_without_its_text() -> None:
    try:
        raise OSError(36, "File name too long", "/films/hush")
    except OSError as error:
        told = describe_unexpected(error)
    assert told.startswith("unexpected OSError at test_redaction.py:")
    assert "hush" not in told
