"""What the gateway can be told."""

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
    detect_timeout_s: float = Field(
        1.2, gt=0, description="Longest wait for the detector in a prediction; then 504. Live feeds have their own."
    )
    infer_timeout_s: float = Field(1.0, gt=0, description="Longest wait for the model server; then 504.")
    max_frame_age_s: float = Field(2.0, gt=0, description="Age from which a camera's frame gets 503, no answer.")
    body_limit_bytes: int = Field(
        10 * 1024 * 1024, ge=1, description="Largest body that is read; a larger one gets 413."
    )
    max_in_flight: int = Field(64, ge=1, description="Predictions worked on at the same time; more get 503.")
    max_uploads: int = Field(64, ge=1, description="Uploads received or worked on at the same time; more get 503.")
    max_uploads_per_client: int = Field(
        0,
        ge=0,
        description="Of these, and of predictions worked on, the share of one client (its key, else its address); 0 "
        "for an eighth. Beyond its share a client gets 429 unless half of all places are free.",
    )
    max_upload_bytes_in_flight: int = Field(
        64 * 1024 * 1024,
        ge=1,
        description="Bytes of uploads and of WebSocket messages received or worked on at the same time, of all clients "
        "together; more get 503, or the close code 1013.",
    )
    max_viewers: int = Field(512, ge=1, description="Feeds, videos and WebSockets at the same time; more get 503.")
    max_viewers_per_client: int = Field(
        0, ge=0, description="Of these, the share of one client, likewise; 0 for an eighth."
    )
    max_live_cameras: int = Field(32, ge=1, description="Cameras followed at the same time; more get 503.")
    max_concurrent_full_detections: int = Field(
        1, ge=1, description="Pictures searched for new faces at the same time, over all followed cameras."
    )
    max_concurrent_roi_detections: int = Field(
        3,
        ge=1,
        description="Frames searched where faces are expected at the same time, over all followed cameras. One more "
        "than all detectors have workers: what waits at a detector grows old, what waits here is replaced.",
    )
    max_concurrent_inferences: int = Field(
        2, ge=1, description="Calls of the model at the same time; faces that wait meanwhile go together in the next."
    )
    live_timeout_s: float = Field(
        0.8,
        gt=0,
        description="Longest wait for a step of a followed camera; then followers are told and a newer frame is tried.",
    )
    live_search_timeout_s: float = Field(
        1.8, gt=0, description="Longest search of a followed camera's whole picture for new faces."
    )
    ws_idle_timeout_s: float = Field(
        60.0, gt=0, description="Time without an image after which a WebSocket for images is closed."
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Keys of which clients must send one; with none the API is open. Use random ones of at least 20 "
        "characters.",
    )
    allow_anonymous: bool = Field(
        False, description="Whether the API may listen beyond this machine without keys: whoever reaches it sees faces."
    )
    published_address: str = Field(
        "",
        description="Address on which a container publishes the API, which counts for `ALLOW_ANONYMOUS` instead of "
        "`HOST`. Compose sets it.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses or networks of reverse proxies, such as `127.0.0.1` or `172.16.0.0/12`, whose "
        "`X-Forwarded-For` tells the client's address. From others the header is ignored.",
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
        description="APIs of other products that are answered besides: `deepface`, `compreface`, `rekognition`, "
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
                raise ValueError(f"{origin!r} is no origin such as https://app.example.org, without a path")
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
        """Which hosts and origins a request may name."""
        return replace(super().origin_policy, origins=frozenset(self.cors_origins))

    def is_trusted_proxy(self, host: str) -> bool:
        """Tell whether an address is that of a proxy which the settings name."""
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return any(address in ip_network(network) for network in self.trusted_proxies)

    @property
    def upload_share(self) -> int:
        """Uploads, and predictions, of one client at the same time that others can't keep it from."""
        return self.max_uploads_per_client or max(1, self.max_uploads // _SHARE)

    @property
    def viewer_share(self) -> int:
        """Viewers of one client, likewise."""
        return self.max_viewers_per_client or max(1, self.max_viewers // _SHARE)

    @property
    def rate(self) -> RateLimitItem | None:
        """The rate limit, if one is set."""
        return parse(self.rate_limit) if self.rate_limit else None
