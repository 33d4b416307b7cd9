"""``python -m services.capture.probe SOURCE`` ends with status 0 if the source delivers a picture now.

A URL is read from standard input, with ``-`` for the source: what stands on a command line can be read by every user of
the machine.
"""

import argparse
import os
import sys
from pathlib import Path

from services.capture.opencv_environment import opencv_environment, silence_native_output, system_ca_file
from services.capture.settings import CaptureSettings
from services.runtime.settings import load_settings_or_exit

STALL_S = 5.0
STDIN = "-"
MAX_SOURCE = 4096


def main() -> None:
    """Open the source, read one frame and close it."""
    parser = argparse.ArgumentParser(prog="python -m services.capture.probe", description=__doc__)
    parser.add_argument("source", help="webcam number, device, file, demo, or - for a line of standard input")
    given = parser.parse_args().source
    if "://" in given:
        parser.error("a URL may hold a password: give it on standard input, and - as the source")
    text = sys.stdin.readline(MAX_SOURCE) if given == STDIN else given
    settings = load_settings_or_exit(CaptureSettings)
    silence_native_output()
    ca_file = Path(settings.tls_ca_file) if settings.tls_ca_file else system_ca_file()
    os.environ.update(opencv_environment(os.environ, sys.platform, STALL_S, ca_file, settings.tls_verify))
    # OpenCV reads its environment while it is imported, so what imports it comes after.
    from services.capture.sources.base import SourceEnded, SourceError
    from services.capture.sources.factory import Asked, opener
    from services.capture.sources.opencv import limit_ffmpeg_memory
    from services.capture.sources.spec import parse_source

    limit_ffmpeg_memory()
    try:
        verified = bool(settings.tls_ca_file) or not settings.tls_verify
        asked = Asked(1280, 720, 30, own_jpegs=False, addresses_verified=verified)
        source = opener(asked, False)(parse_source(text))
        source.read()
        source.close()
    except SourceEnded:
        sys.exit("the file has no frames")
    except (SourceError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
