"""Reads the list of models again and again, and follows it where it changes."""

import asyncio
import logging
from pathlib import Path

from services.serving.errors import ServingError
from services.serving.manager import Manager
from services.serving.model_config import read_model_configs

_log = logging.getLogger(__name__)


async def watch_config_file(path: Path, every_s: float, manager: Manager) -> None:
    """Follow the file until cancelled. One that can't be used changes nothing and is told once."""
    told = ""
    while True:
        await asyncio.sleep(every_s)
        try:
            configs = await asyncio.to_thread(read_model_configs, path)
            if configs != manager.configs:
                manager.apply(configs)
                _log.info("%s has changed and is followed", path)
            told = ""
        except ServingError as error:
            if str(error) != told:
                _log.error("%s can't be followed, the configuration until now stays: %s", path, error)
            told = str(error)
