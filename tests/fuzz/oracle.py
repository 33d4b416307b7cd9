"""Judges what came back: pure functions of a case and its outcome."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.contracts.problems import PROBLEM_MEDIA_TYPE
from tests.fuzz.cases import Action, Call, Decoding, Exchange, Service, Writes
from tests.fuzz.http_response import Answer, NotHttpError, parse
from tests.fuzz.redis_cases import KEPT_PATH
from tests.fuzz.sender import Outcome
from tests.fuzz.websocket_response import websocket_faults

Documents = Mapping[Service, Mapping[str, Any]]

MAX_ANSWER_S = 15.0
_MEMBERS = ("type", "title", "status", "detail", "request_id")
_BUSY = (503, 504)
_COMPATIBLE = re.compile(r"/analyze|/api/v1/.*|/v2|/v2/.*")
"""Paths of other products' APIs, whose errors have their own forms; ``POST /`` besides."""

_GRPC_FAILURES = ("INTERNAL", "UNKNOWN", "DATA_LOSS")
_MAX_DETAIL_CHARS = 2000
_PYTHON = re.compile(r"Traceback|<class '|Error\(|object at 0x")
_WORDS = re.compile(r"[A-Z]+ (\S+) HTTP/1\.[01]$")


def faults_of(action: Action, outcome: Outcome, documents: Documents) -> list[str]:
    """Return what is wrong with an outcome; an empty list where nothing is."""
    match action:
        case Exchange():
            return list(_exchange(action, outcome, documents))
        case Call():
            return list(_call(outcome))
        case Writes():
            return list(_writes(outcome, documents))
        case Decoding():
            return [outcome.status] if outcome.status else []


def label_of(action: Action, outcome: Outcome) -> str:
    """Return a word for the table: a status, or how it ended."""
    match action:
        case Call():
            return outcome.status
        case Decoding():
            return "fault" if outcome.status else "decoded or refused"
        case Writes():
            return "/".join(sorted({_status_text(received) for received in outcome.asked.values()}))
        case Exchange():
            return _status_text(outcome.received) if outcome.received else outcome.end


def _status_text(received: bytes) -> str:
    return received[9:12].decode("latin-1") if received.startswith(b"HTTP/") else "no answer"


def _exchange(action: Exchange, outcome: Outcome, documents: Documents) -> Iterator[str]:
    if outcome.end == "refused":
        yield "the connection was refused"
    if action.complete and outcome.end == "timeout":
        yield "no answer"
    if action.complete and outcome.seconds > MAX_ANSWER_S and outcome.end != "timeout":
        yield "the answer took too long"
    if action.service == "serving-grpc":
        return  # it speaks HTTP/2
    method, path = asked(action)
    try:
        answers, rest = parse(outcome.received, heads_only=any(b"HEAD" in piece for piece in action.pieces))
    except (NotHttpError, ValueError) as error:
        yield f"what came isn't HTTP: {error}"
        return
    if action.complete and not answers and outcome.end == "closed":
        yield "the connection was closed without an answer"
    for answer in answers:
        yield from _answer(action.service, method, path, answer, outcome)
    if action.complete and answers:
        yield from _undocumented(documents.get(action.service), method, path, answers[0])
    if answers and answers[-1].status == 101:
        yield from websocket_faults(rest)


def asked(action: Exchange) -> tuple[str, str]:
    """Return the method and the path of an exchange's first request, as far as they can be told."""
    line = b"".join(action.pieces)[:70_000].lstrip(b"\r\n").partition(b"\r")[0].decode("latin-1")
    match = _WORDS.search(line)
    return line.partition(" ")[0], match[1].partition("?")[0] if match else ""


def _answer(service: Service, method: str, path: str, answer: Answer, outcome: Outcome) -> Iterator[str]:
    media_type = answer.headers.get("content-type", "")
    if answer.framed and not answer.whole and outcome.end not in ("stream", "timeout"):
        yield f"{answer.status}: the answer was cut off"
        return
    if media_type.startswith("text/html") and "content-security-policy" not in answer.headers:
        yield f"{answer.status}: HTML without a policy"
    if answer.status < 400:
        if media_type.startswith("application/json") and answer.framed and answer.body:
            yield from _json_faults(answer)
        return
    if answer.status >= 500 and not _is_documented_failure(service, method, path, answer):
        yield f"{answer.status} {path if len(path) < 60 else ''}"
    if answer.framed:
        yield from _error_faults(service, method, path, answer, media_type)


def _is_documented_failure(service: Service, method: str, path: str, answer: Answer) -> bool:
    if answer.status in _BUSY or (service == "serving" and answer.status == 501):
        return True
    # Rekognition says that it is busy with a status of 500.
    return (method, path) == ("POST", "/") and answer.status == 500 and b"ThrottlingException" in answer.body


def _error_faults(service: Service, method: str, path: str, answer: Answer, media_type: str) -> Iterator[str]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        yield f"{answer.status}: an error that isn't JSON but {media_type or 'without a type'}: {answer.body[:60]!r}"
        return
    if not isinstance(body, dict):
        yield f"{answer.status}: an error that is no object"
    elif media_type == PROBLEM_MEDIA_TYPE:
        yield from _problem_faults(answer, body)
    elif service == "serving":
        if not isinstance(body.get("error"), str):
            yield f"{answer.status}: an error without a text"
    elif service != "gateway" or not (_COMPATIBLE.fullmatch(path) or (method, path) == ("POST", "/")):
        yield f"{answer.status}: an error of the type {media_type}"
    elif "x-request-id" not in answer.headers:
        yield f"{answer.status}: an error without a request id"


def _problem_faults(answer: Answer, body: Mapping[str, Any]) -> Iterator[str]:
    missing = [name for name in _MEMBERS if name not in body]
    if missing:
        yield f"{answer.status}: a problem without {', '.join(missing)}"
    elif body["status"] != answer.status:
        yield f"{answer.status}: a problem that says {body['status']}"
    elif not body["request_id"] or answer.headers.get("x-request-id") != body["request_id"]:
        yield f"{answer.status}: a problem whose request id isn't that of the headers"
    elif _PYTHON.search(str(body["detail"])):
        yield f"{answer.status}: a problem that tells of the program: {body['detail'][:100]}"


def _json_faults(answer: Answer) -> Iterator[str]:
    try:
        json.loads(answer.body, parse_constant=_refuse)
    except ValueError:
        yield f"{answer.status}: an answer that isn't JSON"


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _undocumented(document: Mapping[str, Any] | None, method: str, path: str, answer: Answer) -> Iterator[str]:
    """Compare an answer with the OpenAPI document, where that has the operation."""
    operation = _operation(document, method, path)
    if operation is None:
        return
    response = operation["responses"].get(str(answer.status))
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
    if response is None:
        yield f"{answer.status} isn't documented"
    elif response.get("content") and media_type not in response["content"] and answer.status != 304:
        yield f"{answer.status} of the type {media_type} isn't documented"


def _operation(document: Mapping[str, Any] | None, method: str, path: str) -> Mapping[str, Any] | None:
    if document is None:
        return None
    for template, item in document["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            found: Mapping[str, Any] | None = item.get(method.lower())
            return found
    return None


def _call(outcome: Outcome) -> Iterator[str]:
    if outcome.status in _GRPC_FAILURES:
        yield f"{outcome.status}: {outcome.detail[:120]}"
    if outcome.status == "DEADLINE_EXCEEDED":
        yield "no answer"
    if len(outcome.detail) > _MAX_DETAIL_CHARS:
        yield f"{outcome.status} with {len(outcome.detail):,} characters"
    if _PYTHON.search(outcome.detail):
        yield f"{outcome.status} that tells of the program: {outcome.detail[:120]}"


def _writes(outcome: Outcome, documents: Documents) -> Iterator[str]:
    for path, received in outcome.asked.items():
        template = "/cameras/fuzz/frame.jpg" if path.endswith("frame.jpg") else path.partition("?")[0]
        if not received:
            yield f"GET {template}: no answer"
            continue
        sent = Exchange("gateway", (f"GET {path} HTTP/1.1\r\n".encode(),), complete=True)
        for fault in _exchange(sent, Outcome(received, "answered"), documents):
            yield f"GET {template}: {fault}"
        if path == KEPT_PATH and _status_text(received) != "200":
            yield f"the untouched camera is answered {_status_text(received)}"
