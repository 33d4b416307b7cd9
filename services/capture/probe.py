"""``python -m services.capture.probe SOURCE`` ends with status 0 if the source delivers a picture now."""

import argparse
import os
import sys

from services.capture.opencv_environment import opencv_environment

STALL_S = 5.0


def main() -> None:
    """Open the source, read one frame and close it."""
    parser = argparse.ArgumentParser(prog="python -m services.capture.probe", description=__doc__)
    parser.add_argument("source", help="webcam number, device, URL, file or demo")
    text = parser.parse_args().source
    for name, value in opencv_environment(sys.platform, STALL_S).items():
        os.environ.setdefault(name, value)
    # OpenCV reads its environment while it is imported, so what imports it comes after.
    from services.capture.clock import SystemClock
    from services.capture.opening import Asked, opener
    from services.capture.source_spec import parse_source
    from services.capture.sources import SourceEnded, SourceError

    try:
        source = opener(Asked(1280, 720, 30, own_jpegs=False), False, SystemClock())(parse_source(text))
        source.read()
        source.close()
    except (SourceError, SourceEnded, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
