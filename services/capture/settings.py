"""What capture can be told, all of it from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.capture.sources.spec import NamedSource, parse_cameras
from services.runtime.settings import RedisUrl, ServiceSettings


class CaptureSettings(ServiceSettings):
    """Settings of capture. Cameras and the Redis URL may hold passwords: neither is ever logged."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_CAPTURE_")

    port: int = Field(8001, ge=0, le=65535, description="TCP port to listen on; 0 picks a free one.")
    cameras: Annotated[tuple[NamedSource, ...], NoDecode] = Field(
        parse_cameras("cam0=demo"),
        description="Cameras as `id=source`; an id has up to 32 of a–z, 0–9, `_` and `-`. A source is a "
        "webcam's number, a device path, an RTSP or HTTP URL, a video file or `demo`."
        " In a URL a comma before `name=` is written `%2C`. After a source and ` | ` "
        "comes the text that is shown for it, as in `door=rtsp://… | front door`; without it no more of a URL is "
        "shown than scheme, host and port.",
    )
    redis_url: RedisUrl = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="URL of the Redis that frames go to, such as `redis://:password@host:6379/0`; `rediss://` for TLS, "
        "`unix://` for a socket.",
    )
    width: int = Field(1280, ge=16, le=7680, description="Width asked of a webcam, in pixels; it may give another.")
    height: int = Field(720, ge=16, le=4320, description="Height asked of a webcam, in pixels; it may give another.")
    fps: float = Field(
        30.0, gt=0, le=240, description="Rate asked of a webcam, and most frames a second published for each camera."
    )
    jpeg_quality: int = Field(
        85,
        ge=1,
        le=100,
        description="Quality of the JPEGs that capture makes; a webcam's own are passed on as they are.",
    )
    loop: bool = Field(
        True, description="Whether a video file starts again at its end; if not, its camera is over then."
    )
    open_s: float = Field(15.0, gt=0, le=300, description="Time a source may take to open and give its first frame.")
    stall_s: float = Field(5.0, gt=0, le=300, description="Time without a frame after which a source is opened anew.")
    reconnect_min_s: float = Field(
        0.5, gt=0, le=60, description="First wait before a source is opened anew; it doubles with each failure."
    )
    reconnect_max_s: float = Field(
        10.0, gt=0, le=600, description="Longest wait before a source is opened anew; not below the first."
    )
    mjpeg_passthrough: bool = Field(
        True,
        description="Whether a webcam's own JPEGs (Motion JPEG) are passed on undecoded, where it makes valid ones.",
    )

    tls_verify: bool = Field(
        True,
        description="Whether the certificates of `https://` and `rtsps://` cameras are checked. Without that anybody "
        "on the way can read the password and show other pictures.",
    )
    tls_ca_file: str = Field(
        "",
        description="File of the certificates (PEM) that those of `https://` and `rtsps://` cameras are checked "
        "against, such as a camera's own; in place of the ones that the system trusts. Needed for cameras that are "
        "named by an IP address.",
    )

    @field_validator("tls_ca_file")
    @classmethod
    def _check_file(cls, value: str) -> str:
        if value and not Path(value).is_file():
            raise ValueError("there is no such file")
        # They separate FFmpeg's options.
        if any(mark in value for mark in ";|"):
            raise ValueError("its path must hold neither ; nor |")
        return value

    @field_validator("cameras", mode="before")
    @classmethod
    def _read_cameras(cls, value: object) -> object:
        return parse_cameras(value) if isinstance(value, str) else value

    @field_validator("reconnect_max_s")
    @classmethod
    def _check_order(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("reconnect_min_s", 0.0):
            raise ValueError("must not be below reconnect_min_s")
        return value
