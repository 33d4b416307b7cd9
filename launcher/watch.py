"""``python -m launcher.watch``: waits until the gateway is ready, then prints the emotion each second."""

import contextlib
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

import httpx

from launcher.ports import reachable
from services.contracts.text import printable
from services.gateway.settings import GatewaySettings
from services.runtime.settings import load_settings_or_exit

INTERVAL_S = 1.0
WAIT_S = 0.2


def line(answer: Mapping[str, Any]) -> str:
    """Return one line for people about an answer of ``/predict``."""
    source = answer["source"]
    if not answer["faces"]:
        seen = "no face"
    else:
        unsure = "" if answer["reliable"] else ", unsure"
        count = len(answer["faces"])
        seen = f"{answer['emotion']:<8} {answer['confidence']:.2f}{unsure}  ({count} face{'s' if count > 1 else ''})"
    return f"{source['camera']}  {seen}  frame {source['age_ms']:.0f} ms old"


def missing(readiness: Mapping[str, Any]) -> str:
    """Return the names of the dependencies that aren't there yet."""
    return ", ".join(name for name, state in readiness["dependencies"].items() if not state["ok"])


def wait_until_ready(client: httpx.Client) -> None:
    """Return once the gateway can answer; say what it waits for, whenever that changes."""
    said = ""
    while True:
        waiting = "the gateway"
        with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
            response = client.get("/readyz")
            readiness = response.json()
            if readiness["status"] == "ready":
                return
            waiting = missing(readiness) or "the gateway"
        if waiting != said:
            print(printable(f"waiting for {waiting}"), flush=True)
            said = waiting
        time.sleep(WAIT_S)


def watch(client: httpx.Client) -> None:
    """Print a line for each camera each second, for ever."""
    while True:
        started = time.monotonic()
        for camera in _cameras(client):
            print(printable(_seen(client, camera)), flush=True)
        time.sleep(max(0.0, INTERVAL_S - (time.monotonic() - started)))


def _cameras(client: httpx.Client) -> list[str]:
    with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
        return [camera["id"] for camera in client.get("/cameras").json()["cameras"]]
    return []


def _seen(client: httpx.Client, camera: str) -> str:
    try:
        response = client.get("/predict", params={"camera": camera})
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        return f"{camera}  no answer: {error}"
    if response.status_code != 200:
        return f"{camera}  no answer: {answer.get('detail', response.status_code)}"
    return line(answer)


def main() -> None:
    """Watch the gateway that the environment tells of."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = load_settings_or_exit(GatewaySettings)
    address = f"http://{reachable(settings.host)}:{settings.port}"
    keys = [key.get_secret_value() for key in settings.api_keys]
    with httpx.Client(base_url=address, headers={"X-API-Key": keys[0]} if keys else {}, trust_env=False) as client:
        wait_until_ready(client)
        print(f"ready: {address} shows it   try: curl {address}/predict   API: {address}/docs", flush=True)
        watch(client)


if __name__ == "__main__":
    main()
