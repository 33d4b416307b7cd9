"""A gateway of its own process, as pages in a browser find it."""

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
        """Return its address by one of its names."""
        return f"http://{host}:{self._port}"

    def refused(self) -> int:
        """Return how many requests it has refused so far for where they came from or went to."""
        metrics = httpx.get(f"{self.url()}/metrics", trust_env=False).text
        return sum(
            int(float(count))
            for count in re.findall(r"^http_requests_rejected_total\{.*\} (\S+)$", metrics, re.MULTILINE)
        )
