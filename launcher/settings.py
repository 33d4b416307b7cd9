"""What the launcher can be told."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class LauncherSettings(BaseSettings):
    """Variables ``EMOTION_LAUNCHER_*``; the services read their own."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_LAUNCHER_", frozen=True, extra="forbid")

    camera: SecretStr = Field(
        SecretStr(""),
        description="Source of the one camera `cam0`, as in `EMOTION_CAPTURE_CAMERAS`, which it precedes; `make run` "
        "sets it from `CAMERA`. Empty for the cameras of that variable, else the first webcam, else the demo feed.",
    )
    serving_grpc_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="TCP port of the model server's gRPC on 127.0.0.1, besides its Unix socket, which only this user "
        "can open; 0 for the socket alone.",
    )
    serving_rest_port: int = Field(
        8501, ge=1, le=65535, description="TCP port of the model server's REST, health and metrics."
    )
