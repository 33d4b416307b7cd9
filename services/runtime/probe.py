"""``python -m services.runtime.probe PORT``: asks a service in the same container whether it is ready.

For images, which have no curl. The answer is printed, so that ``docker inspect`` says what is wrong.
"""

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 2.0


def probe(port: int) -> tuple[bool, str]:
    """Return whether the service says that it is ready, and what it says."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_S) as answer:
            return True, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return False, error.read().decode()
    except OSError as error:
        return False, f"no answer: {error}"


if __name__ == "__main__":
    ready, told = probe(int(sys.argv[1]))
    sys.stdout.write(told + "\n")
    sys.exit(0 if ready else 1)
