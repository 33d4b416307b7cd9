"""``python -m services.gateway``."""

from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext
from services.runtime.logs import configure_logging
from services.runtime.server import serve
from services.runtime.settings import load_settings_or_exit
from services.runtime.websocket_protocol import LimitedWebSocketProtocol


def main() -> None:
    """Wire and run."""
    settings = load_settings_or_exit(GatewaySettings)
    configure_logging("gateway", settings.log_level, settings.log_format)
    context = ServiceContext()
    serve(
        create_app(settings, context),
        settings,
        context,
        LimitedWebSocketProtocol,
        exempt=settings.is_trusted_proxy,
    )


if __name__ == "__main__":
    main()
