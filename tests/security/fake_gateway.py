"""``python -m tests.security.fake_gateway LIMITS``: a gateway process over fakes that deliver frames continuously.

LIMITS is a JSON object with the fields of ``ConnectionLimits`` that differ from its defaults.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from services.gateway.app import create_app
from services.gateway.dependencies import Clients
from services.gateway.protocols import Deadline, KnownCamera
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext
from services.runtime.connections import ConnectionLimits
from services.runtime.logs import configure_logging
from services.runtime.server import serve
from services.runtime.settings import load_settings_or_exit
from services.runtime.websocket_protocol import LimitedWebSocketProtocol
from tests.support.gateway_fakes import ONLINE, FakeFrames, FakeServices, frame

FRAME_EVERY_S = 0.05
JPEG_BYTES = 200_000


class SlowFrames(FakeFrames):
    """A store that takes three seconds to look up the camera ``slow``."""

    async def known_camera(self, camera: str, deadline: Deadline) -> KnownCamera | None:
        if camera == "slow":
            await asyncio.sleep(3)
        return await super().known_camera(camera, deadline)


@asynccontextmanager
async def open_fakes(settings: GatewaySettings) -> AsyncIterator[Clients]:
    store = SlowFrames()

    async def produce_frames() -> None:
        for number in count():
            newest = frame(f"{1_700_000_000_000 + number}-0", jpeg=bytes(JPEG_BYTES))
            store.cameras["cam0"] = KnownCamera("cam0", ONLINE, newest)
            await asyncio.sleep(FRAME_EVERY_S)

    producer = asyncio.create_task(produce_frames())
    try:
        async with FakeServices(frames=store).open(settings) as resources:
            yield resources
    finally:
        producer.cancel()


def main() -> None:
    settings = load_settings_or_exit(GatewaySettings)
    configure_logging("gateway", settings.log_level, settings.log_format)
    context = ServiceContext()
    limits = ConnectionLimits(**json.loads(sys.argv[1]))
    serve(create_app(settings, context, open_fakes), settings, context, LimitedWebSocketProtocol, limits)


if __name__ == "__main__":
    main()
