"""Of a source's URL only scheme, host and port appear in logs, metrics, Redis, APIs and command lines."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.sources.spec import parse_cameras
from services.contracts.cameras import CameraState
from services.runtime.redis_client import redis_client
from tests.support.capture_process import CaptureProcess, viewing
from tests.support.launcher_process import Launch
from tests.support.processes import ROOT, ModuleProcess
from tests.support.redis_server import RedisServer, oldest_redis
from tests.support.waiting import wait_until

SECRET = "hushword"
NOISY = {"OPENCV_LOG_LEVEL": "DEBUG", "OPENCV_FFMPEG_LOGLEVEL": "56", "OPENCV_FFMPEG_DEBUG": "1"}
"""Variables that may be set in the shell, and that make OpenCV and FFmpeg log URLs."""

SHOWN = {
    "user:hushword@127.0.0.1:1/x": "file",
    "//user:hushword@127.0.0.1": "file",
    "http://127.0.0.1:1/videostream.cgi?loginuse=admin&loginpas=hushword": "http://127.0.0.1:1/…",
    "http://127.0.0.1:1/video?u=hushword&p=hushword": "http://127.0.0.1:1/…",
    "rtsp://127.0.0.1:1/?pass=abc/hushword": "rtsp://127.0.0.1:1/…",
    "http://127.0.0.1:1/?pin=hushword&code=hushword&jwt=hushword#hushword": "http://127.0.0.1:1/…",
    "http://127.0.0.1:1/x;sid=hushword?tok=hushword&authcode=hushword": "http://127.0.0.1:1/…",
    "http://127.0.0.1:1/?camera_pw=hushword": "http://127.0.0.1:1/…",
    "http://127.0.0.1:1/live/hushword/stream.mjpg": "http://127.0.0.1:1/…",
    "rtsp://hushword:hushword@127.0.0.1:1/x": "rtsp://127.0.0.1:1/…",
    "rtsp://user:pa@hushword:word@127.0.0.1:1": "rtsp://127.0.0.1:1",
    "rtsp://user:%68ushword%40@127.0.0.1:1/x": "rtsp://127.0.0.1:1/…",
    "rtsp://user:hush,hushword@127.0.0.1:1/x": "rtsp://127.0.0.1:1/…",
    "rtsp://user:hushword@[::1]:1/x": "rtsp://[::1]:1/…",
    "RTSP://user:hushword@127.0.0.1:1/x": "rtsp://127.0.0.1:1/…",
    "rtsp://user:1/hushword@127.0.0.1:1/x": "rtsp://…",
    "rtsp://user:hush\\hushword@127.0.0.1:1/x": "rtsp://127.0.0.1:1/…",
    "https://user:hushword@127.0.0.1:1/x": "https://127.0.0.1:1/…",
    "https://user:hushword@localhost:1/x": "https://localhost:1/…",
    "/nowhere/hushword": "file",
    "/nowhere/hushword/film.mp4": "film.mp4",
    "/nowhere/" + 40 * "hushword/": "file",
    "/nowhere/" + 300 * "x" + "hushword": "file",
    "/dev/hushword": "device",
    "http://127.0.0.1:1/x?token=hushword | front door": "front door",
}
"""Source → the form that may be shown."""

REFUSED = [
    "rtsp:/user:hushword@127.0.0.1",
    "rtsp://user:a|hushword@127.0.0.1/x",
    "http://127.0.0.1/?p=a|hushword",
    "rtsp://user:hushword@127.0.0.1/x | hushword",
    "rtsp://user:hush,hushword=1@127.0.0.1/x",
    "rtsp://user:hush hushword@127.0.0.1/x",
    "hushword://user@127.0.0.1",
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(oldest_redis(), tmp_path / "redis.log") as server:
        yield server


def all_data(url: str) -> str:
    """Return all keys and values of Redis."""
    with redis_client(url, timeout_s=10) as client:
        parts: list[Any] = []
        for key in client.scan_iter():
            kind = client.type(key)
            parts.append(key)
            if kind == b"hash":
                parts.append(client.hgetall(key))
            elif kind == b"zset":
                parts.append(client.zrange(key, 0, -1))
            elif kind == b"stream":
                parts.append(
                    [
                        {name: value for name, value in fields.items() if name != b"jpeg"}
                        for _, fields in client.xrange(key)
                    ]
                )
            else:
                parts.append(client.get(key))
    return repr(parts)


def command_lines(pid: int) -> str:
    """Return the command lines of a process and its descendants."""
    process = psutil.Process(pid)
    return repr([one.cmdline() for one in (process, *process.children(recursive=True))])


def assert_no_secret(capture: CaptureProcess, url: str) -> None:
    ready, metrics = capture.get("/readyz"), capture.get("/metrics")
    assert ready is not None
    assert metrics is not None
    places = {
        "Redis": all_data(url),
        "/readyz": ready.text,
        "/metrics": metrics.text,
        "log": capture.log(),
        "ps": command_lines(capture.pid),
    }
    assert [name for name, text in places.items() if SECRET in text.replace("%68", "h")] == []


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_unreachable_camera_leaks_no_secret(
    server: RedisServer, tmp_path: Path, log_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NOISY.items():
        monkeypatch.setenv(name, value)
    sources = {f"c{number}": source for number, source in enumerate(SHOWN)}
    settings = {
        "cameras": ",".join(f"{camera}={source}" for camera, source in sources.items()),
        "log_level": "DEBUG",
        "log_format": log_format,
        "redis_url": server.url,
        "reconnect_min_s": "0.1",
        "reconnect_max_s": "0.1",
    }
    with CaptureProcess(tmp_path / "log", **settings) as capture, viewing(server.url) as viewer:
        capture.wait_until_logged("c0")
        for camera in sources:
            wait_until(viewer.status_is(lambda status: status.state is CameraState.FAILED, camera), f"{camera} to fail")
        shown = {source: viewer.status(camera) for camera, source in sources.items()}
        assert {source: status.source for source, status in shown.items() if status} == SHOWN
        assert all(status and status.last_error for status in shown.values())
        assert_no_secret(capture, server.url)
        assert capture.terminate() == 0
    assert SECRET not in capture.log()
    if log_format == "json":
        assert all(json.loads(line) for line in capture.log().splitlines())


@pytest.mark.parametrize("source", REFUSED)
def test_rejected_source_leaks_no_secret(tmp_path: Path, source: str) -> None:
    with CaptureProcess(tmp_path / "log", cameras=f"a=0,door={source}") as capture:
        assert capture.exit_status() == 2
    assert "EMOTION_CAPTURE_CAMERAS" in capture.log()
    assert SECRET not in capture.log()


class FaultyCamera(BaseHTTPRequestHandler):
    """A camera that rejects requests, redirects to a URL with a token, or sends malformed data with a token."""

    def do_GET(self) -> None:
        self.server.paths.append(self.path)  # type: ignore[attr-defined]  # added below
        status = int(self.path[1:4])
        self.send_response(status, SECRET)
        if status == 302:
            self.send_header("Location", f"http://user:{SECRET}@127.0.0.1:1/{SECRET}?token={SECRET}")
        self.send_header("WWW-Authenticate", f'Basic realm="{SECRET}"')
        self.send_header("Content-Type", "video/mp4")
        self.end_headers()
        self.wfile.write(SECRET.encode() * 1000)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def faulty_camera() -> Iterator[tuple[int, list[str]]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FaultyCamera) as server:
        server.paths = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1], server.paths  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join(5)


def test_rejecting_or_redirecting_camera_leaks_no_secret(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NOISY.items():
        monkeypatch.setenv(name, value)
    with faulty_camera() as (port, paths), viewing(server.url) as viewer:
        statuses = ("401", "403", "404", "302", "500", "200")
        cameras = ",".join(f"c{status}=http://user:{SECRET}@127.0.0.1:{port}/{status}/{SECRET}" for status in statuses)
        settings = {"cameras": cameras, "log_level": "DEBUG", "redis_url": server.url, "reconnect_max_s": "0.5"}
        with CaptureProcess(tmp_path / "log", **settings) as capture:
            for status in statuses:
                failed = viewer.status_is(lambda heartbeat: heartbeat.state is CameraState.FAILED, f"c{status}")
                wait_until(failed, f"{status} to fail")
            assert len({path[:4] for path in paths}) == len(statuses)
            assert_no_secret(capture, server.url)


def test_redis_url_leaks_no_secret(tmp_path: Path) -> None:
    settings = {"log_level": "DEBUG", "redis_url": f"redis://{SECRET}:{SECRET}@127.0.0.1:1/0?client_name={SECRET}"}
    with CaptureProcess(tmp_path / "log", **settings) as capture:
        capture.wait_until_logged("dropping frames")
        ready = capture.get("/readyz")
        assert ready is not None
        assert SECRET not in ready.text + capture.log() + command_lines(capture.pid)


def test_launcher_puts_no_secret_on_a_command_line_or_in_the_log(tmp_path: Path) -> None:
    source = f"rtsp://user:{SECRET}@127.0.0.1:1/{SECRET}"
    with Launch(tmp_path / "log", EMOTION_LAUNCHER_CAMERA=source, EMOTION_CAPTURE_LOG_LEVEL="DEBUG") as launch:
        launch.wait_until_logged("cameras: cam0=rtsp://127.0.0.1:1/…")
        launch.wait_until_logged("ready: ")
        cameras = f"http://127.0.0.1:{launch.gateway_port}/cameras"
        answer = wait_until(lambda: _cameras(cameras), "the camera to be known")
        assert "rtsp://127.0.0.1:1/…" in answer
        lines = repr([one.cmdline() for one in launch.processes()])
        assert "services.capture" in lines
        assert SECRET not in lines + answer
    assert SECRET not in launch.log()


def _cameras(url: str) -> str:
    answer = httpx.get(url, trust_env=False, timeout=10).text
    return json.dumps(json.loads(answer), ensure_ascii=False) if "cam0" in answer else ""


def test_probe_reads_the_url_from_standard_input_only(tmp_path: Path) -> None:
    source = f"rtsp://user:{SECRET}@127.0.0.1:1/x"
    with ModuleProcess("services.capture.probe", tmp_path / "refused", {}, [source]) as refused:
        assert refused.exit_status() == 2
    assert SECRET not in refused.log()
    command = [os.path.join(".venv", "bin", "python"), "-m", "services.capture.probe", "-"]
    probed = subprocess.run(
        command,
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **NOISY},
    )
    assert probed.returncode == 1
    assert probed.stderr == "the stream can't be opened\n"
    assert probed.stdout == ""


@pytest.mark.parametrize(
    ("target", "variables", "expected"),
    [
        (
            "run",
            {"CAMERA": f"rtsp://u:{SECRET}@h/x | a 'b\" $c"},
            {"EMOTION_LAUNCHER_CAMERA": f"rtsp://u:{SECRET}@h/x | a 'b\" $c"},
        ),
        (
            "capture",
            {"CAMERA": f"rtsp://u:{SECRET}@h/x", "REDIS_URL": f"redis://:{SECRET}@h:6379/0"},
            {
                "EMOTION_CAPTURE_CAMERAS": f"cam0=rtsp://u:{SECRET}@h/x",
                "EMOTION_CAPTURE_REDIS_URL": f"redis://:{SECRET}@h:6379/0",
            },
        ),
        ("capture", {}, {"EMOTION_CAPTURE_CAMERAS": "cam0=0"}),
        ("capture", {"EMOTION_CAPTURE_CAMERAS": "a=1"}, {"EMOTION_CAPTURE_CAMERAS": "a=1"}),
    ],
)
def test_make_passes_urls_in_the_environment(
    tmp_path: Path, target: str, variables: dict[str, str], expected: dict[str, str]
) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    # Replaces Python: it records its command line, that of make, and its environment.
    python.write_text(
        f'#!/bin/sh\ncat "/proc/$$/cmdline" "/proc/$PPID/cmdline" >"{tmp_path}/lines"\nenv -0 >"{tmp_path}/env"\n'
    )
    python.chmod(0o700)
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "CAMERA", "REDIS_URL")}
    stamp = tmp_path / f".{target}"
    stamp.touch()
    done = subprocess.run(
        ["make", "--silent", "-o", str(stamp), target, f"VENV={tmp_path}"],
        cwd=ROOT,
        env={**clean, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    environment = dict(pair.partition("=")[::2] for pair in (tmp_path / "env").read_text().split("\0") if pair)
    assert {name: environment.get(name) for name in expected} == expected
    assert SECRET not in (tmp_path / "lines").read_text()


def test_make_warns_of_a_url_on_its_command_line(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/bin/true")
    stamp = tmp_path / ".run"
    stamp.touch()
    command = ["make", "--silent", "-o", str(stamp), "run", f"VENV={tmp_path}", f"CAMERA=rtsp://u:{SECRET}@h/x"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "command line" in done.stderr
    assert SECRET not in done.stdout + done.stderr


_WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2100), max_size=10)


@given(
    _WORDS,
    _WORDS,
    st.sampled_from(["rtsp://u:{}@h/x", "http://h/{}", "http://h/?x={}", "rtsp://u:p@h/{}@", "{}@h", "//u:{}@h"]),
)
def test_camera_list_shows_no_secret_next_to_other_entries(before: str, after: str, form: str) -> None:
    text = f"door={form.format(f'{before}{SECRET}{after}')}"
    try:
        shown = ", ".join(map(str, parse_cameras(text)))
    except ValueError as error:
        shown = str(error)
    # As documented, a name between a comma and `=` is a camera name.
    assert SECRET not in shown or f",{SECRET}=" in text.replace(before, "") or "," in before
