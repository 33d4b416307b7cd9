"""A gateway process with the URLs that a browser uses."""

import re
from collections.abc import Mapping
from pathlib import Path

import httpx

from launcher.ports import free_port
from tests.support.processes import ModuleProcess


class GatewayProcess(ModuleProcess):
    """One gateway."""

    def __init__(self, log: Path, settings: Mapping[str, str], port: int | None = None) -> None:
        self._port = port or free_port()
        super().__init__("services.gateway", log, {**settings, "EMOTION_GATEWAY_PORT": str(self._port)})

    def url(self, host: str = "127.0.0.1") -> str:
        """Return its URL with one of its host names."""
        return f"http://{host}:{self._port}"

    def rejected_requests(self) -> int:
        """Return the number of requests rejected so far because of their origin or host."""
        metrics = httpx.get(f"{self.url()}/metrics", trust_env=False).text
        return sum(
            int(float(count))
            for count in re.findall(r"^http_origin_rejected_total\{.*\} (\S+)$", metrics, re.MULTILINE)
        )
