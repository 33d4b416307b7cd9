"""Settings of capture, read from environment variables."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.capture.sources.spec import CameraSpec, parse_cameras
from services.runtime.settings import RedisUrl, ServiceSettings


class CaptureSettings(ServiceSettings):
    """Settings of capture. Cameras and the Redis URL may contain passwords, so neither is logged."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_CAPTURE_")

    port: int = Field(8001, ge=0, le=65535, description="TCP port to listen on; 0 picks a free one.")
    cameras: Annotated[tuple[CameraSpec, ...], NoDecode] = Field(
        parse_cameras("cam0=demo"),
        description="Cameras as `id=source`. An id has up to 32 characters: a–z, 0–9, `_` and `-`. A source is a "
        "webcam number, a device path, an RTSP or HTTP URL, a video file, or `demo`. In a URL, write a comma before "
        "`name=` as `%2C`. An optional label follows the source after ` | `, as in `door=rtsp://… | front door`. It is "
        "displayed in place of the source. Without a label, only the scheme, host and port of a URL are displayed.",
    )
    redis_url: RedisUrl = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="URL of the Redis to publish to, such as `redis://:password@host:6379/0`. Use `rediss://` for TLS "
        "and `unix://` for a socket.",
    )
    width: int = Field(
        1280, ge=16, le=7680, description="Width to request from a webcam, in pixels. A webcam may deliver another."
    )
    height: int = Field(
        720, ge=16, le=4320, description="Height to request from a webcam, in pixels. A webcam may deliver another."
    )
    fps: float = Field(
        30.0,
        gt=0,
        le=240,
        description="Frame rate to request from a webcam, and the maximum rate at which each camera's frames are "
        "published.",
    )
    jpeg_quality: int = Field(
        85,
        ge=1,
        le=100,
        description="Quality of the JPEGs that capture encodes. A webcam's own JPEGs are not encoded again.",
    )
    loop: bool = Field(
        True,
        description="Whether a video file starts again at its end. If false, its camera is `finished` at the end.",
    )
    open_s: float = Field(
        15.0, gt=0, le=300, description="Time limit for opening a source and receiving its first frame."
    )
    stall_s: float = Field(5.0, gt=0, le=300, description="Time without a frame after which a source is opened again.")
    reconnect_min_s: float = Field(
        0.5, gt=0, le=60, description="First delay before a source is opened again. It doubles with each failure."
    )
    reconnect_max_s: float = Field(
        10.0,
        gt=0,
        le=600,
        description="Maximum delay before a source is opened again. It must not be below the first delay.",
    )
    mjpeg_passthrough: bool = Field(
        True,
        description="Whether a webcam's own JPEGs (Motion JPEG) are published without decoding, if they are valid.",
    )
    tls_verify: bool = Field(
        True,
        description="Whether the certificates of `https://` and `rtsps://` cameras are verified. Without verification, "
        "an attacker on the network can read the password and replace the pictures.",
    )
    tls_ca_file: str = Field(
        "",
        description="File of the certificates (PEM) that `https://` and `rtsps://` cameras are verified against, in "
        "place of the system's. It may contain a camera's own certificate. Required for cameras that are named by IP "
        "address.",
    )

    @property
    def allow_tls_addresses(self) -> bool:
        """Whether TLS cameras may be named by IP address, which FFmpeg doesn't compare with the certificate."""
        return bool(self.tls_ca_file) or not self.tls_verify

    @field_validator("tls_ca_file")
    @classmethod
    def _check_file(cls, value: str) -> str:
        if value and not Path(value).is_file():
            raise ValueError("file not found")
        # These characters separate FFmpeg's options.
        if any(separator in value for separator in ";|"):
            raise ValueError("the path must not contain ; or |")
        return value

    @field_validator("cameras", mode="before")
    @classmethod
    def _parse_cameras(cls, value: object) -> object:
        return parse_cameras(value) if isinstance(value, str) else value

    @field_validator("reconnect_max_s")
    @classmethod
    def _check_order(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("reconnect_min_s", 0.0):
            raise ValueError("must not be below reconnect_min_s")
        return value
