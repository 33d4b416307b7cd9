"""``python -m launcher.watch``: waits until the gateway is ready, then prints each camera's emotion every second."""

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from launcher.ports import local_address
from services.contracts.text import escape_controls
from services.gateway.settings import GatewaySettings
from services.runtime.settings import load_settings_or_exit

INTERVAL_S = 1.0
WAIT_S = 0.2


def format_line(response: Mapping[str, Any]) -> str:
    """Return a line about a response of ``/predict``."""
    source = response["source"]
    if not response["faces"]:
        result = "no face"
    else:
        unsure = "" if response["reliable"] else ", unsure"
        count = len(response["faces"])
        emotion, confidence = response["emotion"], response["confidence"]
        result = f"{emotion:<8} {confidence:.2f}{unsure}  ({count} face{'s' if count > 1 else ''})"
    return f"{source['camera']}  {result}  frame {source['age_ms']:.0f} ms old"


def unavailable(readiness: Mapping[str, Any]) -> str:
    """Return the names of the dependencies that aren't available."""
    return ", ".join(name for name, state in readiness["dependencies"].items() if not state["ok"])


def wait_until_ready(client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return when the gateway is ready; print what it waits for whenever that changes."""
    printed = ""
    while True:
        missing = "the gateway"
        with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
            readiness = client.get("/readyz").json()
            if readiness["status"] == "ready":
                return
            missing = unavailable(readiness) or "the gateway"
        if missing != printed:
            print(escape_controls(f"waiting for {missing}"), flush=True)
            printed = missing
        sleep(WAIT_S)


def watch(client: httpx.Client) -> None:
    """Print a line for each camera every second, without end."""
    while True:
        started = time.monotonic()
        for camera in _cameras(client):
            print(escape_controls(_predict(client, camera)), flush=True)
        time.sleep(max(0.0, INTERVAL_S - (time.monotonic() - started)))


def _cameras(client: httpx.Client) -> list[str]:
    with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
        return [camera["id"] for camera in client.get("/cameras").json()["cameras"]]
    return []


def _predict(client: httpx.Client, camera: str) -> str:
    try:
        response = client.get("/predict", params={"camera": camera})
        body = response.json()
    except (httpx.HTTPError, ValueError) as error:
        return f"{camera}  no result: {error}"
    if response.status_code != 200:
        return f"{camera}  no result: {body.get('detail', response.status_code)}"
    return format_line(body)


def main() -> None:
    """Watch the gateway that the environment configures."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = load_settings_or_exit(GatewaySettings)
    address = f"http://{local_address(settings.host)}:{settings.port}"
    keys = [key.get_secret_value() for key in settings.api_keys]
    header = "-H 'X-API-Key: YOUR_KEY' " if keys else ""
    with httpx.Client(base_url=address, headers={"X-API-Key": keys[0]} if keys else {}, trust_env=False) as client:
        wait_until_ready(client)
        print(f"ready: dashboard {address}   try: curl {header}{address}/predict   API: {address}/docs", flush=True)
        watch(client)


if __name__ == "__main__":
    main()
