"""``python -m services.capture``."""

import logging
import os
import sys
import threading
from types import TracebackType

from services.capture.opencv_environment import configure_opencv, silence_native_output
from services.capture.redaction import describe_unexpected
from services.capture.settings import CaptureSettings
from services.runtime.app import ServiceContext
from services.runtime.logs import configure_logging
from services.runtime.server import serve
from services.runtime.settings import load_settings_or_exit

_log = logging.getLogger(__name__)


def main() -> None:
    """Capture until SIGTERM or SIGINT."""
    settings = load_settings_or_exit(CaptureSettings)
    silence_native_output()
    configure_logging("capture", settings.log_level, settings.log_format)
    sys.excepthook, threading.excepthook = _log_exception, _log_thread_exception
    configure_opencv(settings.stall_s, settings.tls_ca_file, settings.tls_verify)
    # These modules import OpenCV, which reads its environment while it is imported.
    import cv2

    from services.capture.app import create_app
    from services.capture.reader import has_stuck_readers
    from services.capture.redis_publisher import RedisPublisher
    from services.capture.sources.factory import CaptureOptions, source_factory
    from services.capture.sources.opencv import limit_ffmpeg_memory

    cv2.setNumThreads(1)
    if not limit_ffmpeg_memory():
        _log.info("FFmpeg's memory is not limited: its library was not found")
    context = ServiceContext()
    options = CaptureOptions(
        settings.width,
        settings.height,
        settings.fps,
        mjpeg_passthrough=settings.mjpeg_passthrough,
        open_s=settings.open_s,
        stall_s=settings.stall_s,
        allow_tls_addresses=settings.allow_tls_addresses,
    )
    publisher = RedisPublisher(settings.redis_url.get_secret_value())
    app = create_app(settings, context, publisher, source_factory(options, settings.loop))
    serve(app, settings, context)
    if has_stuck_readers():  # unloading OpenCV while a thread is inside a driver can crash
        os._exit(0)


def _log_exception(_type: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    # Without the exception's message, which may repeat a source.
    _log.critical("capture stopped: %s", describe_unexpected(error))


def _log_thread_exception(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread else "a thread"
        _log.critical("%s stopped: %s", name, describe_unexpected(args.exc_value))


if __name__ == "__main__":
    main()
