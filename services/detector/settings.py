"""What the detector can be told."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import ServiceSettings


class DetectorSettings(ServiceSettings):
    """Variables ``EMOTION_DETECTOR_*``."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_DETECTOR_")

    port: int = Field(8002, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    workers: int = Field(2, ge=1, le=64, description="Images worked on at the same time; a core each.")
    waiting: int = Field(16, ge=0, description="Images that may wait for a worker; more are refused with 503.")
    max_wait_s: float = Field(
        0.5,
        gt=0,
        description="Longest wait for a worker, in seconds, well below what callers wait for an answer; "
        "an image that would wait longer is refused at once.",
    )
    body_limit_bytes: int = Field(16 * 1024 * 1024, ge=1, description="Largest body that is read.")
    pixel_limit: int = Field(40_000_000, ge=1, description="Most pixels an image may have; checked before decoding.")
    cascade: str = Field(
        "haarcascade_frontalface_alt2",
        description="Name of a cascade that comes with OpenCV, or the path of an XML file.",
    )
    scale_factor: float = Field(1.1, gt=1, le=2, description="Ratio between the face sizes that are tried.")
    min_neighbors: int = Field(
        5, ge=0, description="How many overlapping hits make a face, in the mean of a place and its mirror image."
    )
    min_face_px: int = Field(48, ge=20, description="Smallest face, in pixels of the image as it is searched.")
    search_side_px: int = Field(
        1280, ge=64, description="Images with a longer side are searched scaled down to this; crops stay sharp."
    )
