"""Which version this is."""

from importlib.metadata import PackageNotFoundError, version

SERVER_VERSION = "2.20.0"
"""TensorFlow Serving's version whose interfaces are served."""


def version_text() -> str:
    """Return what ``--version`` tells, in the original's form."""
    return f"TensorFlow ModelServer: {SERVER_VERSION} (stand-in)\nTensorFlow Library: {_tensorflow()}"


def _tensorflow() -> str:
    for package in ("tensorflow-cpu", "tensorflow"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "not installed"
