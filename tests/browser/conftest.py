"""A real browser (the system's Chromium), and servers for its pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.browser.gateway import GatewayProcess
from tests.browser.stack import Stack

HOST_NAMES = ("cam.example", "app.example", "evil.example")
"""The browser resolves all of them to 127.0.0.1."""


class Chromium:
    """Starts the system's Chromium with extra switches."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright

    @contextmanager
    def started(self, *switches: str) -> Iterator[Browser]:
        executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        assert executable is not None, "Chromium is not installed; make debian-packages lists the packages"
        arguments = [
            "--no-sandbox",  # containers run as root and have no user namespaces
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--host-resolver-rules=" + ",".join(f"MAP {name} 127.0.0.1" for name in HOST_NAMES),
            *switches,
        ]
        browser = self._playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Chromium]:
    """Package scope, not session: Playwright's event loop would block those of other tests."""
    with sync_playwright() as playwright:
        yield Chromium(playwright)


@pytest.fixture(scope="package")
def browser(chromium: Chromium) -> Iterator[Browser]:
    with chromium.started() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with a fresh profile."""
    with browser.new_context() as context:
        yield context.new_page()


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="package")
def other_origin_port() -> Iterator[int]:
    """The port of a server of empty pages: another origin than the gateway's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    thread = Thread(target=partial(server.serve_forever, poll_interval=0.05))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, with the demo feed as its camera."""
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        stack.wait_until_it_predicts()
        yield stack


@pytest.fixture(scope="package")
def gateway(stack: Stack, other_origin_port: int) -> Iterator[GatewayProcess]:
    """A second gateway of the stack: it accepts ``cam.example`` as its host and ``app.example`` as an origin."""
    settings = {"EMOTION_GATEWAY_CORS_ORIGINS": f"http://app.example:{other_origin_port}"}
    with stack.another_gateway(settings) as gateway:
        gateway.wait_until_answers(f"{gateway.url()}/cameras/cam0/frame.jpg")
        yield gateway
