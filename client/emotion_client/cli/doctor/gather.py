"""Gathers the facts: this machine's cameras, and what the gateway says."""

import sys
import time
from dataclasses import replace

import httpx

from emotion_client.bounded_answer import shown_url
from emotion_client.cli.doctor.facts import LINUX, Device, Gateway, Host
from emotion_client.cli.doctor.listings import listed_devices
from emotion_client.cli.doctor.measure import measured
from emotion_client.cli.video import has_opencv
from emotion_client.client import EmotionClient
from emotion_client.connection import is_this_machine
from emotion_client.errors import EmotionError


def gather_host(measure: bool) -> Host:
    """Look at this machine, and open each camera that nobody uses if that is wanted."""
    measure = measure and has_opencv()
    if sys.platform.startswith(LINUX):
        from emotion_client.cli.doctor.linux import joined_groups, linux_devices

        devices = tuple(_measured(device) if measure else device for device in linux_devices())
        return Host(LINUX, has_opencv(), devices, joined_groups())
    devices = tuple(_measured(device) if measure else device for device in listed_devices(sys.platform))
    return Host(sys.platform, has_opencv(), devices)


def gather_gateway(client: EmotionClient, url: str) -> Gateway:
    """Ask the gateway."""
    gateway = Gateway(shown_url(url), is_this_machine(httpx.URL(url).host))
    try:
        began_s = time.monotonic()
        readiness = client.readiness()
        gateway = replace(gateway, readiness=readiness, answer_ms=(time.monotonic() - began_s) * 1e3)
        return replace(gateway, cameras=client.cameras())
    except EmotionError as error:
        return replace(gateway, error=error)


def _measured(device: Device) -> Device:
    if not device.allowed or device.holders:
        return device
    return replace(device, measured=measured(device.source))
