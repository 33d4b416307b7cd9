"""``python -m services.detector``."""

import sys

from services.detector.app import create_app, worker_settings
from services.detector.settings import DetectorSettings
from services.detector.worker_process import WorkerStartError, try_worker
from services.runtime.app import ServiceContext
from services.runtime.logs import configure_logging
from services.runtime.server import serve
from services.runtime.settings import load_settings_or_exit


def main() -> None:
    """Run the detector until it is stopped."""
    settings = load_settings_or_exit(DetectorSettings)
    configure_logging("detector", settings.log_level, settings.log_format)
    try:
        try_worker(worker_settings(settings))
    except WorkerStartError as error:
        sys.exit(str(error))
    context = ServiceContext()
    serve(create_app(settings, context), settings, context)


if __name__ == "__main__":
    main()
