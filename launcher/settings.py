"""Settings of the launcher, read from environment variables."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class LauncherSettings(BaseSettings):
    """Variables ``EMOTION_LAUNCHER_*``; the services read their own."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_LAUNCHER_", frozen=True, extra="forbid")

    camera: SecretStr = Field(
        SecretStr(""),
        description="Source of the single camera `cam0`, in the syntax of `EMOTION_CAPTURE_CAMERAS`. It takes "
        "precedence over that variable. `make run` sets it from `CAMERA`. If empty, the cameras of that variable are "
        "used, or else the first webcam, or else the demo feed.",
    )
    serving_grpc_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="TCP port of the model server's gRPC API on 127.0.0.1, in addition to its Unix socket, which only "
        "this user can open; 0 for the socket only.",
    )
    serving_rest_port: int = Field(
        8501, ge=1, le=65535, description="TCP port of the model server's REST API, health and metrics."
    )
