"""The gateway's settings."""

import re
from dataclasses import replace
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Annotated, Self

from limits import RateLimitItem, parse
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.runtime.client_address import parse_networks
from services.runtime.origins import OriginPolicy
from services.runtime.settings import GrpcTarget, HttpUrl, RedisUrl, ServiceSettings, is_loopback, split_list


class CompatApi(StrEnum):
    """An API of another product, by the name that the setting gives it."""

    DEEPFACE = "deepface"
    COMPREFACE = "compreface"
    REKOGNITION = "rekognition"
    OPEN_INFERENCE = "open-inference"


_ORIGIN = re.compile(r"\*|null|https?://(\[[0-9a-f:.]+\]|[^\s:/@?#\[\]]+)(:[0-9]{1,5})?")
_SHARE = 8


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
        "http://127.0.0.1:8002",
        description="URL of the detector. Requests are distributed over all addresses of its host name.",
    )
    serving_target: GrpcTarget = Field(
        "127.0.0.1:8500",
        description="gRPC address of the model server, `host:port`, or `unix:///path` for a Unix socket.",
    )
    answer_timeout_s: float = Field(
        1.7,
        gt=0,
        description="Longest time for a whole answer, shared by Redis, detector and model; an upload's starts when "
        "its body has arrived. Then 504.",
    )
    redis_timeout_s: float = Field(0.5, gt=0, description="Longest wait for Redis; then 504.")
    detect_timeout_s: float = Field(
        1.2,
        gt=0,
        description="Longest wait for the detector in a prediction; then 504. Live sessions have limits of their own.",
    )
    infer_timeout_s: float = Field(1.0, gt=0, description="Longest wait for the model server; then 504.")
    max_frame_age_s: float = Field(
        2.0, gt=0, description="Oldest frame of a camera that is answered; older ones get 503."
    )
    body_limit_bytes: int = Field(10 * 1024 * 1024, ge=1, description="Largest request body; a larger one gets 413.")
    max_in_flight: int = Field(64, ge=1, description="Most predictions at the same time; more get 503.")
    max_uploads: int = Field(
        64, ge=1, description="Most uploads at the same time, from their first byte on; more get 503."
    )
    max_uploads_per_client: int = Field(
        0,
        ge=0,
        description="Share of one client (its key, else its address) of the uploads and of the predictions; 0 for an "
        "eighth. Beyond its share a client gets 429 unless half of all places are free.",
    )
    max_upload_bytes_in_flight: int = Field(
        64 * 1024 * 1024,
        ge=1,
        description="Most bytes of uploads and WebSocket messages at the same time, of all clients together; more get "
        "503, or the close code 1013.",
    )
    max_viewers: int = Field(512, ge=1, description="Most feeds, videos and WebSockets at the same time; more get 503.")
    max_viewers_per_client: int = Field(0, ge=0, description="Share of one client of these, as above; 0 for an eighth.")
    max_live_cameras: int = Field(
        32, ge=1, description="Most cameras with a live session at the same time; more get 503."
    )
    max_concurrent_full_detections: int = Field(
        1,
        ge=1,
        description="Most whole frames that are searched for new faces at the same time, over all live sessions.",
    )
    max_concurrent_roi_detections: int = Field(
        3,
        ge=1,
        description="Most frames whose known faces are searched at the same time, over all live sessions. One more "
        "than all detectors have workers: frames that wait at a detector grow old, frames that wait here"
        " are replaced.",
    )
    max_concurrent_inferences: int = Field(
        2, ge=1, description="Most calls of the model at the same time. Further faces wait and are sent as one batch."
    )
    live_timeout_s: float = Field(
        0.8,
        gt=0,
        description="Longest wait for a step of a live session; then subscribers get a problem and a newer frame is "
        "tried.",
    )
    live_search_timeout_s: float = Field(
        1.8, gt=0, description="Longest search of a whole frame of a live session for new faces."
    )
    ws_idle_timeout_s: float = Field(
        60.0, gt=0, description="Time without an image after which a WebSocket for images is closed."
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="API keys, of which a client must send one; without any the API is open. Use random keys of at "
        "least 20 characters.",
    )
    allow_anonymous: bool = Field(
        False,
        description="Whether the API may listen beyond this machine without keys. Everyone who reaches it sees faces.",
    )
    published_address: str = Field(
        "",
        description="Address on which a container publishes the API, which counts for `ALLOW_ANONYMOUS` instead of "
        "`HOST`. Compose sets it.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses or networks of reverse proxies, such as `127.0.0.1` or `172.16.0.0/12`, whose "
        "`X-Forwarded-For` states the client's address. From others the header is ignored.",
    )
    rate_limit: str = Field(
        "",
        description="Most requests of a client (its key, else its address), such as `20/second`, `500/minute` or "
        "`10000/day`; more get 429. Empty for no limit.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose web pages may call the API, such as `https://app.example.org`; `*` for all."
    )
    compat_apis: Annotated[tuple[CompatApi, ...], NoDecode] = Field(
        (),
        description="APIs of other products that are also served: `deepface`, `compreface`, `rekognition`, "
        "`open-inference`.",
    )

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        keys = split_list(value)
        if value and not keys:
            raise ValueError("is set but holds no key; unset it, or set it to an empty string, for an open API")
        return keys

    @field_validator("cors_origins", "trusted_proxies", "compat_apis", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_list(value)

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(network) for network in parse_networks(value))

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if _ORIGIN.fullmatch(origin.lower()) is None:
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.org, without a path")
        return tuple(origin.lower() for origin in value)

    @field_validator("rate_limit")
    @classmethod
    def _check_rate_limit(cls, value: str) -> str:
        if value:
            parse(value)
        return value

    @model_validator(mode="after")
    def _check_open(self) -> Self:
        address = self.published_address or self.host
        if not (self.api_keys or self.allow_anonymous or is_loopback(address)):
            raise ValueError(
                f"the API would be open to everyone who reaches {address}: set EMOTION_GATEWAY_API_KEYS, "
                "or EMOTION_GATEWAY_ALLOW_ANONYMOUS=true"
            )
        return self

    @property
    def origin_policy(self) -> OriginPolicy:
        """The hosts and origins that a request may name."""
        return replace(super().origin_policy, origins=frozenset(self.cors_origins))

    def is_trusted_proxy(self, host: str) -> bool:
        """Tell whether an address belongs to a trusted proxy."""
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return any(address in ip_network(network) for network in self.trusted_proxies)

    @property
    def upload_share(self) -> int:
        """One client's share of uploads and of predictions."""
        return self.max_uploads_per_client or max(1, self.max_uploads // _SHARE)

    @property
    def viewer_share(self) -> int:
        """One client's share of feeds, videos and WebSockets."""
        return self.max_viewers_per_client or max(1, self.max_viewers // _SHARE)

    @property
    def rate(self) -> RateLimitItem | None:
        """The rate limit, if one is set."""
        return parse(self.rate_limit) if self.rate_limit else None
