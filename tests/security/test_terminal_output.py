"""Texts from servers contain no terminal control sequences or spreadsheet formulas in the output of the commands."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.ports import free_port
from services.contracts.live import STATUS
from services.contracts.problems import PROBLEM_MEDIA_TYPE
from services.contracts.text import replace_unprintable
from tests.security.scripted_server import Script, response, scripted_gateway
from tests.support.client_command import EMOTION, environment
from tests.support.gateway_responses import face, live, prediction
from tests.support.processes import ModuleProcess

HOSTILE = "\x1b]0;hush\x07\x1b]52;c;aHVzaA==\x1b\\\x1b[2J\x9b31m\x9d0;hush\x9c\u202ehush\u2066\u2028\r\nhush\x08\x7f"
"""Window title, clipboard, clear screen, 8-bit colour, bidirectional text and line breaks."""
FORMULA = '=HYPERLINK("http://evil.example")'


def camera(name: str, text: str) -> dict[str, Any]:
    """Return a camera with a hostile source and error; the client rejects invalid names."""
    numbers = {"fps": 1.5, "width": 1, "height": 1, "age_ms": -2.5, "published": 1, "dropped": 1, "reconnects": 1}
    return {"id": name, "state": "failed", "source": text, "last_error": text, **numbers}


def readiness(text: str) -> dict[str, Any]:
    dependency = {"ok": False, "required": True, "detail": text}
    return {"status": "unready", "dependencies": {"model": dependency, "redis": dependency}}


def problem(text: str, status: int = 422) -> bytes:
    members = {"type": text, "title": text, "detail": text, "cameras": [text, text], "dependency": text}
    return response(json.dumps(members).encode(), PROBLEM_MEDIA_TYPE, status, "Retry-After: 9\r\n")


def feed() -> bytes:
    """Return a feed with a problem and a result, which then ends."""
    status = {"camera": "door", "state": "problem", "problem": {"detail": HOSTILE}}
    events = (
        f"event: {STATUS}\ndata: {json.dumps(status)}\n\nevent: result\nid: 1-0\ndata: {json.dumps(live('1-0'))}\n\n"
    )
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events.encode()


RESPONSES: dict[str, Script | bytes] = {
    "/readyz": response(json.dumps(readiness(HOSTILE)).encode(), status=503),
    "/cameras/": feed(),
    "/cameras": response(json.dumps({"cameras": [camera("door", HOSTILE), camera("yard", FORMULA)]}).encode()),
    "/predict": problem(HOSTILE),
}
BROKEN: dict[str, Script | bytes] = {
    "unauthorized": problem(HOSTILE, 401),
    "ambiguous": problem(HOSTILE).replace(b'"type": "', b'"type": "urn:emotion:problem:camera-ambiguous", "x": "'),
    "not http": HOSTILE.encode(),
    "status line": b"HTTP/1.1 200 " + HOSTILE.replace("\r\n", "").encode() + b"\r\n\r\n{}",
    "header": b"HTTP/1.1 302 OK\r\nLocation: "
    + HOSTILE.replace("\r\n", "").encode()
    + b"\r\nContent-Length: 0\r\n\r\n",
    "html": response(HOSTILE.encode(), "text/html", 500),
    "strange": response(json.dumps({"cameras": HOSTILE, HOSTILE: 1}).encode()),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with scripted_gateway(RESPONSES) as url:
        yield url


def emotion(*arguments: str, url: str, cwd: Path | None = None) -> tuple[str, str]:
    """Run the command; return its standard output and standard error."""
    wide = environment(COLUMNS="2000")  # so that tables truncate nothing
    done = subprocess.run(
        [*EMOTION, *arguments, "--url", url], capture_output=True, env=wide, check=False, timeout=120, cwd=cwd
    )
    return done.stdout.decode(), done.stderr.decode()


def assert_printable(text: str) -> None:
    assert text
    unsafe = {letter for letter in text if not letter.isprintable() and letter not in "\n\u3000\u00a0"}
    assert unsafe == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["cameras", "--format", "table"],
        ["cameras", "--format", "csv"],
        ["cameras", "--format", "jsonl"],
        ["doctor", "--no-measure", "--format", "table"],
        ["doctor", "--no-measure", "--format", "jsonl"],
        ["watch", "door", "--count", "1", "--format", "jsonl"],
        ["watch", HOSTILE, "--count", "1", "--format", "table"],
        ["watch", HOSTILE, "--count", "1", "--format", "jsonl"],
        ["watch", HOSTILE, "--format", "csv"],
        ["predict", HOSTILE, "--format", "table"],
    ],
    ids=" ".join,
)
def test_output_contains_no_control_characters(url: str, arguments: list[str]) -> None:
    stdout, stderr = emotion(*arguments, url=url)
    assert "hush" in stdout + stderr or "csv" in arguments
    assert_printable(stdout + stderr)


@pytest.mark.parametrize("command", [["cameras"], ["predict", __file__], ["doctor", "--no-measure"], ["watch", "cam0"]])
@pytest.mark.parametrize("name", BROKEN)
def test_error_contains_no_control_characters(name: str, command: list[str]) -> None:
    with scripted_gateway({"/": BROKEN[name]}) as url:
        stdout, stderr = emotion(*command, "--format", "jsonl", url=url)
    assert_printable(stdout + stderr)


def test_json_contains_printable_texts_only(url: str) -> None:
    stdout, _ = emotion("cameras", "--format", "jsonl", url=url)
    assert [json.loads(line)["source"] for line in stdout.splitlines()] == [replace_unprintable(HOSTILE), FORMULA]


def test_csv_has_no_formulas_and_keeps_numbers(url: str, tmp_path: Path) -> None:
    stdout, _ = emotion("cameras", "--format", "csv", url=url)
    first, second = csv.DictReader(io.StringIO(stdout))
    assert second["source"] == f"'{FORMULA}"
    assert (first["fps"], first["age_ms"]) == ("1.5", "-2.5")
    answer = prediction(face()).to_json()
    name = '=1+1,"\x1b[2J\n.jpg'
    (tmp_path / name).write_bytes(b"any")
    with scripted_gateway({"/predict": response(answer)}) as gateway:
        stdout, _ = emotion("predict", name, "--format", "csv", url=gateway, cwd=tmp_path)
    assert_printable(stdout)
    (row,) = csv.DictReader(io.StringIO(stdout))
    assert row["file"] == "'=1+1,\"\\x1b[2J\\n.jpg"
    assert float(row["confidence"]) == 0.6


def test_terminal_output_contains_known_sequences_only(url: str, tmp_path: Path) -> None:
    film = tmp_path / f"a{HOSTILE.replace('/', '')}.jpg"
    film.write_bytes(b"any")
    leader, follower = pty.openpty()
    command = [*EMOTION, "predict", str(film), str(film), "--url", url]
    try:
        subprocess.run(
            command, stdout=follower, stderr=follower, env=environment(TERM="xterm"), check=False, timeout=120
        )
        written = os.read(leader, 1_000_000).decode("utf-8", "replace")
    finally:
        os.close(leader)
        os.close(follower)
    assert "hush" in written
    assert [
        bad for bad in ("\x1b]", "\x1b[2J", "\x07", "\x9b", "\x9d", "\u202e", "\x08", "\x7f") if bad in written
    ] == []


def test_status_line_of_make_run_is_printable(tmp_path: Path) -> None:
    ready = {"status": "ready", "dependencies": {}}
    responses: dict[str, Script | bytes] = {
        "/readyz": response(json.dumps(ready).encode()),
        "/cameras": response(json.dumps({"cameras": [{"id": HOSTILE}]}).encode()),
        "/predict": problem(HOSTILE),
    }
    with scripted_gateway(responses) as url:
        settings = {"EMOTION_GATEWAY_PORT": url.rpartition(":")[2]}
        with ModuleProcess("launcher.watch", tmp_path / "log", settings) as watch:
            watch.wait_until_logged("no result")
            log = watch.log()
    assert_printable(log)


def test_error_about_a_launcher_setting_is_printable() -> None:
    name = "EMOTION_GATEWAY_\x1b]0;hush\x07"
    done = subprocess.run(
        [sys.executable, "-m", "launcher"],
        capture_output=True,
        env={**environment(), "EMOTION_GATEWAY_PORT": str(free_port()), name: "1"},
        check=False,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 1
    assert_printable((done.stdout + done.stderr).decode())
