"""What the launcher can be told."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LauncherSettings(BaseSettings):
    """Variables ``EMOTION_LAUNCHER_*``; the services read their own."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_LAUNCHER_", frozen=True, extra="forbid")

    serving_grpc_port: int = Field(8500, ge=1, le=65535, description="gRPC port of the model server.")
    serving_rest_port: int = Field(8501, ge=1, le=65535, description="REST port of the model server.")
