"""``python -m services.capture``."""

import os
import sys

from services.capture.opencv_environment import opencv_environment
from services.capture.settings import CaptureSettings
from services.runtime.app import Plumbing
from services.runtime.logs import configure_logging
from services.runtime.server import serve
from services.runtime.settings import load_settings_or_exit


def main() -> None:
    """Capture until told to stop."""
    settings = load_settings_or_exit(CaptureSettings)
    configure_logging("capture", settings.log_level, settings.log_format)
    for name, value in opencv_environment(sys.platform, settings.stall_s).items():
        os.environ.setdefault(name, value)
    # OpenCV reads its environment while it is imported, so what imports it comes after.
    import cv2

    from services.capture.app import create_app
    from services.capture.clock import SystemClock
    from services.capture.opening import Asked, opener
    from services.capture.reader import readers_left
    from services.capture.redis_publisher import RedisPublisher

    cv2.setNumThreads(1)
    plumbing = Plumbing()
    asked = Asked(
        settings.width,
        settings.height,
        settings.fps,
        own_jpegs=settings.mjpeg_passthrough,
        open_s=settings.open_s,
        stall_s=settings.stall_s,
    )
    publisher = RedisPublisher(settings.redis_url.get_secret_value())
    app = create_app(settings, plumbing, publisher, opener(asked, settings.loop, SystemClock()))
    serve(app, settings, plumbing)
    if readers_left():  # stuck in a driver: taking OpenCV down around such a thread can crash
        os._exit(0)


if __name__ == "__main__":
    main()
