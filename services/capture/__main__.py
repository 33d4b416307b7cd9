"""``python -m services.capture``."""

import logging
import os
import sys
import threading
from pathlib import Path
from types import TracebackType

from services.capture.opencv_environment import opencv_environment, silence_native_output, system_ca_file
from services.capture.redaction import unexpected
from services.capture.settings import CaptureSettings
from services.runtime.app import ServiceContext
from services.runtime.logs import configure_logging
from services.runtime.server import serve
from services.runtime.settings import load_settings_or_exit

_log = logging.getLogger(__name__)


def main() -> None:
    """Capture until told to stop."""
    settings = load_settings_or_exit(CaptureSettings)
    silence_native_output()
    configure_logging("capture", settings.log_level, settings.log_format)
    sys.excepthook, threading.excepthook = _log_end, _log_end_of_thread
    ca_file = Path(settings.tls_ca_file) if settings.tls_ca_file else system_ca_file()
    os.environ.update(opencv_environment(os.environ, sys.platform, settings.stall_s, ca_file, settings.tls_verify))
    # OpenCV reads its environment while it is imported, so what imports it comes after.
    import cv2

    from services.capture.app import create_app
    from services.capture.reader import readers_left
    from services.capture.redis_publisher import RedisPublisher
    from services.capture.sources.factory import Asked, opener
    from services.capture.sources.opencv import limit_ffmpeg_memory

    cv2.setNumThreads(1)
    if not limit_ffmpeg_memory():
        _log.info("the memory that FFmpeg may take for a camera isn't bounded: its library wasn't found")
    context = ServiceContext()
    asked = Asked(
        settings.width,
        settings.height,
        settings.fps,
        own_jpegs=settings.mjpeg_passthrough,
        open_s=settings.open_s,
        stall_s=settings.stall_s,
        addresses_verified=bool(settings.tls_ca_file) or not settings.tls_verify,
    )
    publisher = RedisPublisher(settings.redis_url.get_secret_value())
    app = create_app(settings, context, publisher, opener(asked, settings.loop))
    serve(app, settings, context)
    if readers_left():  # stuck in a driver: taking OpenCV down around such a thread can crash
        os._exit(0)


def _log_end(_type: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    # Without the exception's own text, which may repeat a source.
    _log.critical("capture ends: %s", unexpected(error))


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        _log.critical("%s ends: %s", ended.thread.name if ended.thread else "a thread", unexpected(ended.exc_value))


if __name__ == "__main__":
    main()
