"""Adds the familiar APIs that the settings name to the gateway."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from fastapi import Depends, FastAPI, params
from limits import RateLimitItem
from limits.storage import MemoryStorage
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from services.gateway.access import ApiKeys, RateLimit, WrongKeys, api_key
from services.gateway.familiar.asking import Asking
from services.gateway.familiar.compreface.answers import SHAPE as COMPREFACE
from services.gateway.familiar.compreface.routes import compreface_router
from services.gateway.familiar.deepface.answers import SHAPE as DEEPFACE
from services.gateway.familiar.deepface.routes import deepface_router
from services.gateway.familiar.names import FamiliarApi
from services.gateway.familiar.open_inference.answers import SHAPE as OPEN_INFERENCE
from services.gateway.familiar.open_inference.routes import open_inference_health_router, open_inference_router
from services.gateway.familiar.own_errors import OwnErrors, on_refused
from services.gateway.familiar.rekognition.asked import credential
from services.gateway.familiar.rekognition.errors import SHAPE as REKOGNITION
from services.gateway.familiar.rekognition.routes import rekognition_router
from services.gateway.familiar.shapes import ErrorShape, RefusedError
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext

_SHAPES: Mapping[FamiliarApi, ErrorShape] = MappingProxyType(
    {
        FamiliarApi.DEEPFACE: DEEPFACE,
        FamiliarApi.COMPREFACE: COMPREFACE,
        FamiliarApi.REKOGNITION: REKOGNITION,
        FamiliarApi.OPEN_INFERENCE: OPEN_INFERENCE,
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


def shapes_of(apis: Iterable[FamiliarApi]) -> list[ErrorShape]:
    """Return the error shapes of these APIs."""
    return [_SHAPES[name] for name in apis]


def add_familiar_apis(
    app: FastAPI, settings: GatewaySettings, asking: Asking, access: Access, context: ServiceContext
) -> None:
    """Add routes, and errors in the shapes of their APIs; it comes after every other middleware."""
    chosen = settings.familiar_apis
    if not chosen:
        return
    if FamiliarApi.DEEPFACE in chosen:
        app.include_router(deepface_router(asking, settings.body_limit_bytes), dependencies=access.needed())
    if FamiliarApi.COMPREFACE in chosen:
        app.include_router(compreface_router(asking), dependencies=access.needed())
    if FamiliarApi.REKOGNITION in chosen:
        app.include_router(rekognition_router(asking), dependencies=access.needed(credential))
    if FamiliarApi.OPEN_INFERENCE in chosen:
        app.include_router(open_inference_health_router(context))
        app.include_router(open_inference_router(asking), dependencies=access.needed())
    shapes = shapes_of(chosen)
    app.add_exception_handler(RefusedError, partial(on_refused, shapes))
    # The innermost, so that the status that is counted is the one that is sent; and the outermost, for what the
    # middleware between them refuses.
    app.user_middleware.append(Middleware(OwnErrors, shapes=shapes))
    app.add_middleware(OwnErrors, shapes=shapes)
