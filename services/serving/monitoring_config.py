"""Where the metrics are that TensorFlow Serving's users know."""

from pathlib import Path

from services.serving.errors import InvalidArgumentError
from services.serving.own_messages import monitoring_config
from services.serving.text_config import read_text_config

DEFAULT_PATH = "/monitoring/prometheus/metrics"


def read_monitoring_path(path: Path) -> str | None:
    """Return the HTTP path of the metrics; None where the file doesn't enable them.

    Raises:
        InvalidArgumentError: The file can't be read or used.
    """
    prometheus = read_text_config(path, monitoring_config()).prometheus_config
    if not prometheus.enable:
        return None
    chosen: str = prometheus.path or DEFAULT_PATH
    if not chosen.startswith("/") or "{" in chosen:
        raise InvalidArgumentError(f"{path}: a path begins with / and has no braces; was {chosen}")
    return chosen
