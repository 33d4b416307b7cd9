"""Adds the compatible APIs that the settings name to the gateway."""

from collections.abc import Collection, Mapping
from functools import partial
from types import MappingProxyType

from fastapi import FastAPI
from starlette.middleware import Middleware

from services.gateway.compat import compreface, deepface, open_inference, rekognition
from services.gateway.compat.base import ErrorShape, RefusedError
from services.gateway.compat.errors import OwnErrors, on_refused
from services.gateway.security.auth import AccessControl
from services.gateway.settings import CompatApi

_ERROR_FORMATS: Mapping[CompatApi, ErrorShape] = MappingProxyType(
    {
        CompatApi.DEEPFACE: deepface.SHAPE,
        CompatApi.COMPREFACE: compreface.SHAPE,
        CompatApi.REKOGNITION: rekognition.SHAPE,
        CompatApi.OPEN_INFERENCE: open_inference.SHAPE,
    }
)


def error_formats(apis: Collection[CompatApi]) -> list[ErrorShape]:
    """Return the error formats of these APIs."""
    return [_ERROR_FORMATS[api] for api in apis]


def add_compat_apis(app: FastAPI, apis: Collection[CompatApi], access: AccessControl) -> None:
    """Add the routes of these APIs, and their error formats. Call it after every other middleware is added."""
    if not apis:
        return
    if CompatApi.DEEPFACE in apis:
        app.include_router(deepface.router, dependencies=access.dependencies())
    if CompatApi.COMPREFACE in apis:
        app.include_router(compreface.router, dependencies=access.dependencies())
    if CompatApi.REKOGNITION in apis:
        app.include_router(rekognition.router, dependencies=access.dependencies(extractor=rekognition.credential))
    if CompatApi.OPEN_INFERENCE in apis:
        app.include_router(open_inference.health_router)
        app.include_router(open_inference.router, dependencies=access.dependencies())
    formats = error_formats(apis)
    app.add_exception_handler(RefusedError, partial(on_refused, formats))
    # The innermost, so that the counted status is the one that is sent; and the outermost, for what the middleware
    # between them refuses.
    app.user_middleware.append(Middleware(OwnErrors, shapes=formats))
    app.add_middleware(OwnErrors, shapes=formats)
