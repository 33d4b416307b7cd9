"""A running Compose stack with its own project name."""

import os
import subprocess
from collections.abc import Mapping
from typing import Any, Self

import httpx
from pydantic import TypeAdapter

from tests.e2e.docker import docker, inspect
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

OWN_IMAGES = ("capture", "detector", "gateway")
STARTED_WITHIN_S = 180.0
"""TensorFlow takes five seconds to load, or a minute on a very busy machine."""
SERVICES = ("capture", "redis", "detector", "serving", "gateway")


class Stack:
    """The stack of ``docker-compose.yml`` and overrides; removed with its volumes at the end of the block."""

    def __init__(
        self, project: str, overrides: tuple[str, ...] = (), settings: Mapping[str, str] | None = None
    ) -> None:
        self.project = project
        files = ("docker-compose.yml", *overrides)
        # Ignore a developer's .env and variables.
        self._command = ["docker", "compose", "--ansi", "never", "--project-name", project, "--env-file", os.devnull]
        self._command += [part for file in files for part in ("--file", file)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
        self._environment = {
            **inherited,
            "EMOTION_COMPOSE_PORT": "0",
            "EMOTION_GATEWAY_MAX_UPLOADS_PER_CLIENT": "64",  # all requests of a test come from one address
            **(settings or {}),
        }

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def compose(self, *arguments: str) -> str:
        """Run a Compose command and return its output."""
        result = subprocess.run(
            [*self._command, *arguments], cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"docker compose {' '.join(arguments)}: {result.stderr}\n{result.stdout}"
        return result.stdout

    def up(self, *options: str) -> None:
        """Start missing containers and wait until all are healthy; fail with the logs on a timeout."""
        try:
            self.compose("up", "--detach", "--wait", "--wait-timeout", f"{STARTED_WITHIN_S:.0f}", *options)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    def logs(self) -> str:
        """Return the last lines of each container."""
        clear_line = "\x1b[2K"  # Compose writes progress there
        return self.compose("logs", "--no-color", "--tail", "60").replace(clear_line, "")

    def container(self, service: str, index: int = 1) -> str:
        """Return the name of a container."""
        return f"{self.project}-{service}-{index}"

    def client(self, index: int = 1) -> httpx.Client:
        """Return a client of a gateway; its port changes with each start."""
        address = self.compose("port", "--index", str(index), "gateway", "8000").strip()
        return httpx.Client(base_url=f"http://{address}", timeout=10, trust_env=False)

    def networks_of(self, service: str) -> list[str]:
        """Return the networks of a service in the configuration."""
        config = TypeAdapter(dict[str, Any]).validate_json(self.compose("config", "--format", "json"))
        return [config["networks"][network]["name"] for network in config["services"][service]["networks"]]

    def is_ready(self, service: str, index: int = 1) -> bool:
        """Run a container's health check now, regardless of Docker's last result."""
        name = self.container(service, index)
        kind, *command = inspect(name)["Config"]["Healthcheck"]["Test"]
        shell = ["sh", "-c"] if kind == "CMD-SHELL" else []
        return (
            subprocess.run(["docker", "exec", name, *shell, *command], capture_output=True, check=False).returncode == 0
        )

    def wait_until_ready(self, service: str, index: int = 1) -> None:
        wait_until(lambda: self.is_ready(service, index), f"{service} to be ready", STARTED_WITHIN_S)

    def restarts(self) -> dict[str, int]:
        """Return how often Docker has restarted the first container of each service."""
        return {service: int(inspect(self.container(service))["RestartCount"]) for service in SERVICES}

    def starts(self) -> dict[str, str]:
        """Return the last start time of each container."""
        names = docker(
            "ps", "--all", "--filter", f"label=com.docker.compose.project={self.project}", "--format", "{{.Names}}"
        )
        return {name: str(inspect(name)["State"]["StartedAt"]) for name in names.split()}
