"""The public surface of the services: routes, metrics and settings. No connection is opened."""

import ast
import re

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry
from starlette.routing import Match, Mount

from launcher.settings import LauncherSettings
from services.capture.app import create_app as create_capture
from services.capture.redis_publisher import RedisPublisher
from services.capture.settings import CaptureSettings
from services.capture.sources.base import FrameSource, SourceError
from services.capture.sources.spec import SourceSpec
from services.detector.app import create_app as create_detector
from services.detector.settings import DetectorSettings
from services.gateway.app import create_app as create_gateway
from services.gateway.settings import CompatApi, GatewaySettings
from services.runtime.app import ServiceContext
from services.runtime.server import server_config
from services.serving.metrics import CallMetrics
from services.serving.monitoring import Monitoring
from services.serving.monitoring_config import DEFAULT_PATH
from tests.support.processes import ROOT

SETTINGS = (CaptureSettings, DetectorSettings, GatewaySettings, LauncherSettings)

DEFAULTS = {
    f"{cls.model_config['env_prefix']}{name}".upper(): field.default
    for cls in SETTINGS
    for name, field in cls.model_fields.items()
}
"""The default of every setting, by variable."""

COMPOSE_DEFAULTS = dict(re.findall(r"^#(EMOTION_\w+)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
"""The default of every variable of the Compose files."""

_NOT_FOR_CLIENTS = {"/{path:path}", "/docs/{path:path}", "/dashboard/{path:path}"}
"""The handler for unknown WebSockets, and assets of the pages."""


class Surface:
    """All services with the default settings."""

    def __init__(self) -> None:
        context = [ServiceContext() for _ in range(3)]
        publisher = RedisPublisher("redis://127.0.0.1:1/0")
        self._apps = {
            "8000": create_gateway(GatewaySettings(), context[0]),
            "8001": create_capture(CaptureSettings(), context[1], publisher, _no_source),
            "8002": create_detector(DetectorSettings(), context[2]),
        }
        compat = {"compat_apis": ",".join(CompatApi)}
        self._compat = create_gateway(GatewaySettings.model_validate(compat), ServiceContext())
        registries = [each.registry for each in context] + [CollectorRegistry()]
        CallMetrics(registries[-1])
        server_config(self._apps["8000"], stop_timeout_s=1, registry=registries[-1])
        self.metrics = {
            f"{metric.name}_total" if metric.type == "counter" else metric.name
            for registry in registries
            for metric in registry.collect()
        } | set(re.findall(r"^# TYPE (\S+)", Monitoring().text(), re.MULTILINE))

    def routes(self, port: str) -> set[tuple[str, str]]:
        """Return the method and the path of each public route; ``WS`` is the method of WebSockets."""
        found: set[tuple[str, str]] = set()
        for route in iter_route_contexts(self._apps[port].router.routes):
            if isinstance(route.original_route, Mount) or route.path in _NOT_FOR_CLIENTS:
                continue
            methods = route.methods or {"WS"}
            # a GET route also handles HEAD
            found |= {(method, str(route.path)) for method in methods if method != "HEAD" or "GET" not in methods}
        return found

    def has_route(self, port: str, method: str, path: str) -> bool:
        """Return whether the service on this port (any, if empty) has the route, by default or as an option."""
        if port == "8501" or (not port and _is_model_server_path(path)):
            return _is_model_server_path(path)
        apps = [self._apps[port]] if port else list(self._apps.values())
        optional = [self._compat] if port in ("", "8000") else []
        return any(_matches(app, method, path) for app in apps + optional)


def _no_source(_: SourceSpec) -> FrameSource:
    raise SourceError("the tests open no camera")


def _matches(app: FastAPI, method: str, path: str) -> bool:
    scope = {"type": "websocket" if method == "WS" else "http", "method": method, "path": path}
    return any(
        route.matches(scope)[0] is Match.FULL
        for route in iter_route_contexts(app.router.routes)
        if route.path not in _NOT_FOR_CLIENTS
    )


def _is_model_server_path(path: str) -> bool:
    """Return whether the model server has the path; parsed from its source, because an import loads TensorFlow."""
    source = (ROOT / "services" / "serving" / "rest_api.py").read_text("utf-8")
    prefix = re.findall(r'prefix="([^"]+)"', source)
    suffixes = re.findall(r"^_PLACES = (.+)$", source, re.MULTILINE)
    assert len(prefix) == len(suffixes) == 1
    patterns = [re.sub(r"{\w+}", "[^/:]+", prefix[0] + place) for place in ast.literal_eval(suffixes[0])]
    return path == DEFAULT_PATH or any(re.fullmatch(f"{pattern}(/metadata|:predict)?", path) for pattern in patterns)
