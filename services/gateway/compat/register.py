"""Adds the compatible APIs that the settings name to the gateway."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from fastapi import Depends, FastAPI, params
from limits import RateLimitItem
from limits.storage import MemoryStorage
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from services.gateway.compat.base import Asking, ErrorShape, RefusedError
from services.gateway.compat.compreface import SHAPE as COMPREFACE
from services.gateway.compat.compreface import compreface_router
from services.gateway.compat.deepface import SHAPE as DEEPFACE
from services.gateway.compat.deepface import deepface_router
from services.gateway.compat.errors import OwnErrors, on_refused
from services.gateway.compat.open_inference import SHAPE as OPEN_INFERENCE
from services.gateway.compat.open_inference import open_inference_health_router, open_inference_router
from services.gateway.compat.rekognition import SHAPE as REKOGNITION
from services.gateway.compat.rekognition import credential, rekognition_router
from services.gateway.security.auth import ApiKeys, RateLimit, WrongKeys, api_key
from services.gateway.settings import CompatApi, GatewaySettings
from services.runtime.app import ServiceContext

_SHAPES: Mapping[CompatApi, ErrorShape] = MappingProxyType(
    {
        CompatApi.DEEPFACE: DEEPFACE,
        CompatApi.COMPREFACE: COMPREFACE,
        CompatApi.REKOGNITION: REKOGNITION,
        CompatApi.OPEN_INFERENCE: OPEN_INFERENCE,
    }
)


@dataclass(frozen=True)
class Access:
    """Who may ask, and how often: the same keys and counts as for the gateway's own routes."""

    keys: Sequence[str]
    wrong_keys: WrongKeys
    rate: RateLimitItem | None
    counts: MemoryStorage

    def needed(self, in_headers: Callable[[HTTPConnection], str] = api_key) -> list[params.Depends]:
        """Return what a route depends on, where clients give their key in these headers."""
        keys = ApiKeys(self.keys, self.wrong_keys, in_headers=in_headers)
        return [Depends(RateLimit(self.rate, keys, self.counts)), Depends(keys)]


def shapes_of(apis: Iterable[CompatApi]) -> list[ErrorShape]:
    """Return the error shapes of these APIs."""
    return [_SHAPES[name] for name in apis]


def add_compat_apis(
    app: FastAPI, settings: GatewaySettings, asking: Asking, access: Access, context: ServiceContext
) -> None:
    """Add routes, and errors in the shapes of their APIs; it comes after every other middleware."""
    chosen = settings.compat_apis
    if not chosen:
        return
    if CompatApi.DEEPFACE in chosen:
        app.include_router(deepface_router(asking, settings.body_limit_bytes), dependencies=access.needed())
    if CompatApi.COMPREFACE in chosen:
        app.include_router(compreface_router(asking), dependencies=access.needed())
    if CompatApi.REKOGNITION in chosen:
        app.include_router(rekognition_router(asking), dependencies=access.needed(credential))
    if CompatApi.OPEN_INFERENCE in chosen:
        app.include_router(open_inference_health_router(context))
        app.include_router(open_inference_router(asking), dependencies=access.needed())
    shapes = shapes_of(chosen)
    app.add_exception_handler(RefusedError, partial(on_refused, shapes))
    # The innermost, so that the status that is counted is the one that is sent; and the outermost, for what the
    # middleware between them refuses.
    app.user_middleware.append(Middleware(OwnErrors, shapes=shapes))
    app.add_middleware(OwnErrors, shapes=shapes)
