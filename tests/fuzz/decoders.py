"""Messages for every decoder of ``services.contracts``, which run in the fuzzer's process.

The only allowed exception is ``MalformedMessageError`` with a short, printable message.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from services.contracts.cameras import CameraList, CameraStatus
from services.contracts.detection import Detection
from services.contracts.frames import FrameMessage, captured_at_us
from services.contracts.geometry import parse_roi
from services.contracts.live import LiveFields
from services.contracts.messages import MalformedMessageError
from services.contracts.prediction import Prediction
from services.contracts.video import FrameTime, TrackedPrediction
from tests.fuzz.cases import Case, Decoding
from tests.fuzz.mutation import EDGES, TEXTS
from tests.fuzz.strategy_values import strategy_values

MAX_MESSAGE_CHARS = 1000
"""Limit on an error message: it is logged and must not contain the value."""

Fields = dict[bytes, bytes]


def _text(fields: Fields) -> str:
    return fields.get(b"", b"").decode("utf-8", "replace")


def _json(decode: Callable[[bytes], Any]) -> Callable[[Fields], Any]:
    return lambda fields: decode(fields.get(b"", b""))


DECODERS: Mapping[str, Callable[[Fields], Any]] = MappingProxyType(
    {
        "frame": FrameMessage.decode,
        "camera status": CameraStatus.decode,
        "frame id": lambda fields: captured_at_us(_text(fields), 0),
        "roi": lambda fields: parse_roi(_text(fields)),
        "detection": _json(Detection.from_json),
        "live result": _json(LiveFields.from_json),
        "camera list": _json(CameraList.from_json),
        "prediction": _json(Prediction.from_json),
        "tracked prediction": _json(TrackedPrediction.from_json),
        "frame time": lambda fields: FrameTime.from_json(_text(fields)),
    }
)

FIELDS: Mapping[str, tuple[bytes, ...]] = MappingProxyType(
    {
        "frame": (b"jpeg", b"captured_at", b"delay_us", b"width", b"height", b"seq"),
        "camera status": (
            b"state", b"source", b"fps", b"width", b"height", b"published", b"dropped", b"reconnects", b"last_error",
        ),
    }
)  # fmt: skip

_OF_TEXT: Mapping[str, tuple[bytes, ...]] = MappingProxyType(
    {
        "frame id": (b"1-1", b"1700000000000-0", b"0--5"),
        "frame time": (b'{"at_s": 12.34}', b'{"at_s": -1}', b'{"at_s": NaN}', b"[]"),
        "roi": (b"1,2,3,4", b"-5,-5,48,48", b"0,0,0,0"),
    }
)
"""Kind of text → valid and nearly valid values."""

_STATES = (b"online", b"online", b"reconnecting", b"failed", b"finished", b"Online", b"")
_WORDS = (b"abc", b"0", b"1", b"-1")
values = st.one_of(
    st.sampled_from([text.encode("utf-8", "surrogatepass") for text in TEXTS]),
    st.sampled_from(_WORDS),
    st.sampled_from([str(edge).encode() for edge in EDGES]),
    st.integers().map(lambda number: str(number).encode()),
    st.floats().map(lambda number: repr(number).encode()),
    st.binary(max_size=200),
    st.binary(min_size=1, max_size=1).map(lambda byte: byte * 100_000),
)
"""Values for a Redis field."""

_NAMES = (
    "id", "state", "source", "kind", "camera", "cameras", "frame_id", "captured_at", "age_ms", "image", "width",
    "height", "faces", "box", "x", "y", "w", "h", "weight", "sharpness", "pixels", "emotion", "confidence", "reliable",
    "probabilities", "model", "name", "version", "timings_ms", "frame", "detect", "infer", "total", "decode", "search",
    "crop", "scope", "reference", "request_id", "event", "events", "face_id", "at_s", "duration_s", "fps",
    "published", "dropped", "reconnects", "last_error",
)  # fmt: skip
_PIXELS = base64.b64encode(bytes(48 * 48)).decode()
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(TEXTS),
    st.sampled_from(["camera", "upload", "happy", "full", "online", "emotion_started", 10**400, _PIXELS]),
)
jsons = st.recursive(
    _leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(_NAMES), inner, max_size=12)),
    max_leaves=15,
)
"""JSON objects with the field names of the messages."""


def redis_fields(name: str) -> st.SearchStrategy[Fields]:
    """Return the fields of a message; most are valid on their own."""
    plain = st.integers(0, 10_000_000).map(lambda number: str(number).encode())
    sensible = {field: st.one_of(plain, plain, plain, st.sampled_from(_WORDS), values) for field in FIELDS[name]}
    if name == "camera status":
        sensible[b"state"] = st.sampled_from(_STATES)
    return st.one_of(
        st.fixed_dictionaries(sensible),
        st.dictionaries(st.one_of(st.sampled_from(FIELDS[name]), values), values, max_size=14),
    )


def decoder_cases(random: Random) -> Iterator[Case]:
    """Yield messages for every decoder in turn."""
    streams = {name: strategy_values(_fields_for(name), random, 20) for name in DECODERS}
    while True:
        for name, stream in streams.items():
            yield Case("decoders", Decoding(name, tuple(next(stream).items())))


def _fields_for(name: str) -> st.SearchStrategy[Fields]:
    if name in FIELDS:
        return redis_fields(name)
    if name in _OF_TEXT:
        return st.one_of(st.sampled_from(_OF_TEXT[name]), values).map(_only)
    return st.one_of(values, jsons.map(lambda value: json.dumps(value).encode())).map(_only)


def _only(value: bytes) -> Fields:
    return {b"": value}


def fault_of(decoding: Decoding, decoders: Mapping[str, Callable[[Fields], Any]] = DECODERS) -> str | None:
    """Run the decoder; return a fault, or an empty string."""
    try:
        decoders[decoding.decoder](dict(decoding.fields))
    except MalformedMessageError as error:
        size = len(str(error))
        return None if size <= MAX_MESSAGE_CHARS else f"the error of {decoding.decoder} has {size:,} characters"
    except Exception as error:
        return f"{decoding.decoder} raised {type(error).__name__}"
    return None
