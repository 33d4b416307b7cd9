import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.credentials import cut_credentials


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://host/x", "rtsp://host/x"),
        ("0", "0"),
        ("rtsp://user:pw@host:554/x", "rtsp://host:554/x"),
        ("rtsp://user@host/x", "rtsp://host/x"),
        ("rtsp://user:p%40w@host/x", "rtsp://host/x"),
        ("rtsp://user:p@w@host/x", "rtsp://***@host/x"),
        ("rtsp://user:p/w@host/x", "rtsp://***@host/x"),
        ("rtsp://user:1?w#@host/x", "rtsp://***@host/x"),
        ("http://h/v?user=bob&password=pw&channel=1", "http://h/v?user=***&password=***&channel=1"),
        ("http://h/v?channel=1&Access_Token=abc", "http://h/v?channel=1&Access_Token=***"),
        ("http://h/v?API-KEY=abc&quality=3", "http://h/v?API-KEY=***&quality=3"),
        ("rtsp://h/user=admin&password=tl_channel=1/stream=0.sdp", "rtsp://h/user=***&password=***/stream=0.sdp"),
        ("no rtsp://a:b@c/d and HTTP://e:f@g", "no rtsp://c/d and HTTP://g"),
    ],
)
def test_secrets_are_cut_out_and_the_rest_stays(text: str, expected: str) -> None:
    assert cut_credentials(text) == expected


_WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@given(_WORD)
def test_no_password_survives_whatever_it_is_made_of(password: str) -> None:
    assert f"<{password}>" not in cut_credentials(f"failed: rtsp://user:<{password}>@host/stream")
