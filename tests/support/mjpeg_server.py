"""An IP camera: serves motion JPEG over HTTP, and can be disconnected and restored."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np


class MjpegCamera:
    """Controls the camera.

    Attributes:
        working: Set while it streams. If cleared, connections are closed and new ones get 503.
        frozen: Set while it keeps connections open and sends nothing.
    """

    def __init__(self) -> None:
        self.working = threading.Event()
        self.working.set()
        self.frozen = threading.Event()
        self.over = threading.Event()
        self.port = 0
        self.connections = 0

    def url(self, user_info: str = "") -> str:
        return f"http://{user_info}127.0.0.1:{self.port}/stream.mjpg"


def _handler(camera: MjpegCamera, jpeg: bytes) -> type[BaseHTTPRequestHandler]:

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            camera.connections += 1
            if not camera.working.is_set():
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=frame")
            self.end_headers()
            while camera.working.is_set() and not camera.over.wait(0.04):
                if not camera.frozen.is_set():
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect."""


def _disc() -> bytes:
    image = np.full((240, 320, 3), 90, np.uint8)
    cv2.circle(image, (160, 120), 60, (40, 180, 220), -1)
    return cv2.imencode(".jpg", image)[1].tobytes()


@contextmanager
def mjpeg_camera(jpeg: bytes | None = None) -> Iterator[MjpegCamera]:
    """Serve one JPEG repeatedly, by default of a disc."""
    camera = MjpegCamera()
    with _Server(("127.0.0.1", 0), _handler(camera, jpeg or _disc())) as server:
        camera.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield camera
        finally:
            camera.over.set()
            server.shutdown()
            thread.join(5)
