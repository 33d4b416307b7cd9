"""``python -m services.detector``."""

import sys

from services.detector.app import create_app
from services.detector.cascade import CascadeError
from services.detector.settings import DetectorSettings
from services.runtime.app import Plumbing
from services.runtime.logs import configure_logging
from services.runtime.server import serve
from services.runtime.settings import load_settings_or_exit


def main() -> None:
    """Wire and run."""
    settings = load_settings_or_exit(DetectorSettings)
    configure_logging("detector", settings.log_level, settings.log_format)
    plumbing = Plumbing()
    try:
        app = create_app(settings, plumbing)
    except CascadeError as error:
        sys.exit(f"EMOTION_DETECTOR_CASCADE: {error}")
    serve(app, settings, plumbing)


if __name__ == "__main__":
    main()
