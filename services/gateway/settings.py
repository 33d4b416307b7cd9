"""What the gateway can be told."""

import re
from typing import Annotated

from limits import RateLimitItem, parse
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.gateway.familiar.names import FamiliarApi
from services.gateway.origins import Allowed
from services.runtime.addresses import GrpcTarget, HttpUrl, RedisUrl
from services.runtime.settings import ServiceSettings

_ORIGIN = re.compile(r"\*|null|https?://(\[[0-9a-f:.]+\]|[^\s:/@?#\[\]]+)(:[0-9]{1,5})?")
_HOST_NAME = re.compile(r"\*|(\*\.)?[^\s:/@?#\[\]*]+")


class GatewaySettings(ServiceSettings):
    """Variables ``EMOTION_GATEWAY_*``. Lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_GATEWAY_")

    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 picks a free one.")
    redis_url: RedisUrl = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="URL of the Redis that capture publishes to, such as `redis://:password@host:6379/0`; `rediss://` "
        "for TLS, `unix://` for a socket.",
    )
    detector_url: HttpUrl = Field(
        "http://127.0.0.1:8002", description="URL of the detector; every address of its name shares the load."
    )
    serving_target: GrpcTarget = Field(
        "127.0.0.1:8500",
        description="gRPC address of the model server, `host:port`, or `unix:///path` for a Unix socket.",
    )
    answer_timeout_s: float = Field(
        1.7,
        gt=0,
        description="Longest time for a whole answer, which the waits for Redis, detector and model share; an upload's "
        "begins once its body is there. Then 504.",
    )
    redis_timeout_s: float = Field(0.5, gt=0, description="Longest wait for Redis; then 504.")
    detect_timeout_s: float = Field(1.8, gt=0, description="Longest wait for the detector; then 504.")
    infer_timeout_s: float = Field(1.0, gt=0, description="Longest wait for the model server; then 504.")
    max_frame_age_s: float = Field(2.0, gt=0, description="Age from which a camera's frame gets 503, no answer.")
    body_limit_bytes: int = Field(
        10 * 1024 * 1024, ge=1, description="Largest body that is read; a larger one gets 413."
    )
    max_in_flight: int = Field(64, ge=1, description="Predictions worked on at the same time; more get 503.")
    max_uploads: int = Field(64, ge=1, description="Uploads received or worked on at the same time; more get 503.")
    max_viewers: int = Field(512, ge=1, description="Feeds, videos and WebSockets at the same time; more get 503.")
    max_live_cameras: int = Field(32, ge=1, description="Cameras followed at the same time; more get 503.")
    full_searches: int = Field(
        1, ge=1, description="Pictures searched for new faces at the same time, over all followed cameras."
    )
    hinted_searches: int = Field(
        3,
        ge=1,
        description="Frames searched where faces are expected at the same time, over all followed cameras. One more "
        "than all detectors have workers: what waits at a detector grows old, what waits here is replaced.",
    )
    model_calls: int = Field(
        2, ge=1, description="Calls of the model at the same time; faces that wait meanwhile go together in the next."
    )
    live_timeout_s: float = Field(
        0.8,
        gt=0,
        description="Longest wait for a step of a followed camera; then followers are told and a newer frame is tried.",
    )
    ws_idle_timeout_s: float = Field(
        60.0, gt=0, description="Time without an image after which a WebSocket for images is closed."
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Keys of which clients must send one; with none the API is open."
    )
    rate_limit: str = Field(
        "",
        description="Most requests of a client (its key, else its address), such as `20/second`, `500/minute` or "
        "`10000/day`; more get 429. Empty for no limit.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose web pages may call the API, such as `https://app.example.org`; `*` for all."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Names that the gateway is reached by besides localhost and IP addresses, such as "
        "`cam.example.org` or `*.example.org`; `*` for all, where a proxy before it checks them.",
    )
    familiar_apis: Annotated[tuple[FamiliarApi, ...], NoDecode] = Field(
        (),
        description="APIs of other products that are answered besides: `deepface`, `compreface`, `rekognition`, "
        "`open-inference`.",
    )

    @field_validator("api_keys", "cors_origins", "allowed_hosts", "familiar_apis", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if _ORIGIN.fullmatch(origin.lower()) is None:
                raise ValueError(f"{origin!r} is no origin such as https://app.example.org, without a path")
        return tuple(origin.lower() for origin in value)

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if _HOST_NAME.fullmatch(host.lower()) is None:
                raise ValueError(f"{host!r} is no name such as cam.example.org, without scheme and port")
        return tuple(host.lower() for host in value)

    @field_validator("rate_limit")
    @classmethod
    def _check_rate_limit(cls, value: str) -> str:
        if value:
            parse(value)
        return value

    @property
    def allowed(self) -> Allowed:
        """Which hosts and origins a request may name; the host that is listened on is one of them."""
        return Allowed(frozenset({*self.allowed_hosts, self.host.lower()}), frozenset(self.cors_origins))

    @property
    def rate(self) -> RateLimitItem | None:
        """The rate limit, if one is set."""
        return parse(self.rate_limit) if self.rate_limit else None
