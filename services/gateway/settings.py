"""What the gateway can be told."""

from typing import Annotated

from limits import RateLimitItem, parse
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.runtime.addresses import HostAndPort, HttpUrl, RedisUrl
from services.runtime.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """Variables ``EMOTION_GATEWAY_*``. Lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_GATEWAY_")

    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    redis_url: RedisUrl = Field(
        SecretStr("redis://127.0.0.1:6379/0"), description="Where capture publishes frames; may hold a password."
    )
    detector_url: HttpUrl = Field("http://127.0.0.1:8002", description="The detector's address.")
    serving_target: HostAndPort = Field("127.0.0.1:8500", description="TensorFlow Serving's gRPC address, host:port.")
    answer_timeout_s: float = Field(
        1.8, gt=0, description="Longest time to answer, without that for receiving a body; the three below share it."
    )
    redis_timeout_s: float = Field(0.5, gt=0, description="Longest wait for Redis.")
    detect_timeout_s: float = Field(1.8, gt=0, description="Longest wait for the faces of an image.")
    infer_timeout_s: float = Field(1.0, gt=0, description="Longest wait for the emotions of an image's faces.")
    max_frame_age_s: float = Field(2.0, gt=0, description="An older frame is an error, not an answer.")
    body_limit_bytes: int = Field(10 * 1024 * 1024, ge=1, description="Largest body that is read.")
    max_in_flight: int = Field(64, ge=1, description="Predictions worked on at the same time; more get 503.")
    max_uploads: int = Field(64, ge=1, description="Uploads received or worked on at the same time; more get 503.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Keys that clients must send; none leaves the API open."
    )
    rate_limit: str = Field(
        "", description="Most requests of a client (its key, else its address), such as 20/second; empty for no limit."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose web pages may call the API; none by default."
    )

    @field_validator("api_keys", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("rate_limit")
    @classmethod
    def _check_rate_limit(cls, value: str) -> str:
        if value:
            parse(value)
        return value

    @property
    def rate(self) -> RateLimitItem | None:
        """The rate limit, if one is set."""
        return parse(self.rate_limit) if self.rate_limit else None
