"""``python -m services.capture.probe SOURCE`` exits with status 0 if the source delivers a picture now.

A URL is read from standard input, with ``-`` as the source: every user of the machine can read a command line.
"""

import argparse
import sys

from services.capture.opencv_environment import configure_opencv, silence_native_output
from services.capture.settings import CaptureSettings
from services.runtime.settings import load_settings_or_exit

STALL_S = 5.0
STDIN = "-"
MAX_SOURCE_CHARACTERS = 4096


def main() -> None:
    """Open the source, read one frame and close it."""
    parser = argparse.ArgumentParser(prog="python -m services.capture.probe", description=__doc__)
    parser.add_argument("source", help="webcam number, device, file, demo, or - to read a line from standard input")
    argument = parser.parse_args().source
    if "://" in argument:
        parser.error("a URL may contain a password: pass it on standard input, with - as the source")
    text = sys.stdin.readline(MAX_SOURCE_CHARACTERS) if argument == STDIN else argument
    settings = load_settings_or_exit(CaptureSettings)
    silence_native_output()
    configure_opencv(STALL_S, settings.tls_ca_file, settings.tls_verify)
    # These modules import OpenCV, which reads its environment while it is imported.
    from services.capture.sources.base import SourceEndedError, SourceError
    from services.capture.sources.factory import CaptureOptions, source_factory
    from services.capture.sources.opencv import limit_ffmpeg_memory
    from services.capture.sources.spec import parse_source

    limit_ffmpeg_memory()
    options = CaptureOptions(1280, 720, 30, mjpeg_passthrough=False, allow_tls_addresses=settings.allow_tls_addresses)
    try:
        source = source_factory(options, loop=False)(parse_source(text))
        source.read()
        source.close()
    except SourceEndedError:
        sys.exit("the file has no frames")
    except (SourceError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
