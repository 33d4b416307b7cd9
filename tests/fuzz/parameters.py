"""Query parameters, path parameters and headers of every route, with unusual values."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from types import MappingProxyType
from urllib.parse import quote_from_bytes

from tests.fuzz.cases import Case, Exchange, Service, request
from tests.fuzz.image_cases import samples
from tests.fuzz.mutation import TEXTS, mutated

ROUTES: Mapping[Service, Sequence[tuple[str, str, tuple[str, ...]]]] = MappingProxyType(
    {
        "gateway": (
            ("GET", "/predict", ("camera", "key")),
            ("POST", "/predict", ("camera", "key")),
            ("GET", "/cameras", ("key",)),
            ("GET", "/cameras/{}/frame.jpg", ("key",)),
            ("GET", "/cameras/{}/events", ("fps", "after", "key")),
            ("GET", "/cameras/{}/video", ("fps", "overlay", "blur", "key")),
            ("GET", "/services", ()),
            ("GET", "/healthz", ()),
            ("GET", "/readyz", ()),
            ("GET", "/metrics", ()),
            ("GET", "/openapi.json", ()),
            ("GET", "/", ()),
            ("GET", "/dashboard/{}", ()),
            ("GET", "/docs", ("url", "configUrl")),
            ("GET", "/docs/{}", ()),
            ("GET", "/v2", ()),
            ("GET", "/v2/health/live", ()),
            ("GET", "/v2/health/ready", ()),
            ("GET", "/v2/models/{}", ()),
            ("GET", "/v2/models/emotion/versions/{}/ready", ()),
            ("GET", "/{}", ()),
        ),
        "detector": (
            ("POST", "/detect", ("roi", "fallback")),
            ("GET", "/readyz", ()),
            ("GET", "/openapi.json", ()),
            ("GET", "/{}", ()),
        ),
        "capture": (("GET", "/healthz", ("x",)), ("GET", "/metrics", ()), ("GET", "/{}", ())),
        "serving": (
            ("GET", "/v1/models/{}", ("version",)),
            ("GET", "/v1/models/emotion/versions/{}", ()),
            ("GET", "/v1/models/emotion/labels/{}/metadata", ()),
            ("POST", "/v1/models/emotion:predict", ()),
            ("POST", "/v1/models/{}:predict", ()),
            ("GET", "/monitoring/prometheus/metrics", ()),
        ),
    }
)
"""Service → method, path with ``{}`` for each parameter, names of query parameters."""

HEADERS = (
    "Host",
    "Origin",
    "Sec-Fetch-Site",
    "X-API-Key",
    "Authorization",
    "X-Request-ID",
    "X-Request-Timeout-Ms",
    "X-Reference-Frame",
    "Last-Event-ID",
    "If-None-Match",
    "If-Modified-Since",
    "Range",
    "Accept",
    "Accept-Encoding",
    "Content-Type",
    "Content-Encoding",
    "Content-Length",
    "Transfer-Encoding",
    "Expect",
    "Connection",
    "Upgrade",
    "Cookie",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Access-Control-Request-Method",
    "Access-Control-Request-Headers",
    "X-Amz-Target",
    "Inference-Header-Content-Length",
    "Date",
)
"""Headers that the services, their framework or a proxy interpret."""

_FRAMING = ("Host", "Content-Length", "Transfer-Encoding", "Expect", "Connection", "Upgrade")
_NUMBERS = ("0.5", "1", "120", "121", "1e-9", "1,2,3,4", "-1,0,1,1", "1,2,3", "9,9,99999,99999", "1-1", "0-0", "cam0")
_METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND")


def parameter_cases(random: Random) -> Iterator[Case]:
    """Yield requests with one or more unusual parameters or headers."""
    services = list(ROUTES)
    weights = [6, 3, 1, 2]
    while True:
        service = random.choices(services, weights)[0]
        method, path, names = random.choice(ROUTES[service])
        path = path.replace("{}", random.choice(("cam0", "emotion", "7", _quoted(random))))
        query = "&".join(f"{_name(names, random)}={_quoted(random)}" for _ in range(random.choice((0, 1, 1, 2, 30))))
        chosen = random.sample(HEADERS, random.choice((0, 1, 2, 3)))
        headers = [(name, _header(random)) for name in chosen]
        if random.random() < 0.1:
            method = random.choice(_METHODS)
        body = random.choice(samples()) if method == "POST" and path != "/predict" else b""
        sent = request(method, path + (f"?{query}" if query else ""), headers, body)
        # Framing headers may turn it into several requests.
        yield Case("parameters", Exchange(service, (sent,), complete=not set(chosen) & set(_FRAMING)))


def _name(names: Sequence[str], random: Random) -> str:
    return random.choice(names) if names and random.random() < 0.9 else _quoted(random)


def _quoted(random: Random) -> str:
    if random.random() < 0.3:
        return random.choice(_NUMBERS)
    text = random.choice(TEXTS).encode("utf-8", "surrogatepass")
    if random.random() < 0.3:
        text = mutated(text, random, 2)
    return quote_from_bytes(text[:4000], safe="")


def _header(random: Random) -> bytes:
    """Return bytes that are valid in a header."""
    value = random.choice((*TEXTS, *_NUMBERS)).encode("utf-8", "surrogatepass")
    if random.random() < 0.3:
        value = mutated(value, random, 2)
    return bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F).strip()
