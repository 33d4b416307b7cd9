"""A real browser, the system's Chromium, and servers for it to ask."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from launcher.ports import free_port
from launcher.redis_server import find_redis_server, redis_from_wheel
from tests.browser.gateway import GatewayProcess
from tests.browser.stack import Stack
from tests.support.processes import ModuleProcess
from tests.support.redis_server import RedisServer

NAMES = ("cam.example", "app.example", "evil.example")
"""All mean 127.0.0.1 to the browser, as a rebound name does."""


class Chromium:
    """Starts the system's Chromium, with switches of one's own besides."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright

    @contextmanager
    def started(self, *switches: str) -> Iterator[Browser]:
        executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        assert executable is not None, "install chromium: make debian-packages names what is needed"
        arguments = [
            "--no-sandbox",  # containers run as root and have no user namespaces
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--host-resolver-rules=" + ",".join(f"MAP {name} 127.0.0.1" for name in NAMES),
            *switches,
        ]
        browser = self._playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Chromium]:
    """Not for the whole session: while it is open its event loop counts as running, beside which no other may run."""
    with sync_playwright() as playwright:
        yield Chromium(playwright)


@pytest.fixture(scope="package")
def browser(chromium: Chromium) -> Iterator[Browser]:
    with chromium.started() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh profile."""
    with browser.new_context() as context:
        yield context.new_page()


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="package")
def elsewhere() -> Iterator[int]:
    """The port of a server of empty pages that isn't ours."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    thread = Thread(target=partial(server.serve_forever, poll_interval=0.05))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="package")
def gateway(elsewhere: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with the demo feed; it goes by ``cam.example`` too, and lets pages of ``app.example`` ask."""
    logs: Path = tmp_path_factory.mktemp("gateway")
    capture = {"EMOTION_CAPTURE_PORT": str(free_port()), "EMOTION_CAPTURE_FPS": "5"}
    settings = {
        "EMOTION_GATEWAY_ALLOWED_HOSTS": "cam.example",
        "EMOTION_GATEWAY_CORS_ORIGINS": f"http://app.example:{elsewhere}",
        "EMOTION_GATEWAY_MAX_FRAME_AGE_S": "10",
    }
    with (
        RedisServer(redis_from_wheel() or find_redis_server(), logs / "redis.log") as redis,
        ModuleProcess("services.capture", logs / "capture.log", {**capture, "EMOTION_CAPTURE_REDIS_URL": redis.url}),
        GatewayProcess(logs / "gateway.log", {**settings, "EMOTION_GATEWAY_REDIS_URL": redis.url}) as gateway,
    ):
        gateway.wait_until_answers(f"{gateway.url()}/cameras/cam0/frame.jpg")
        yield gateway


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, with the demo feed as its camera."""
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        stack.wait_until_it_predicts()
        yield stack
