"""What the detector can be told."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import ServiceSettings


class DetectorSettings(ServiceSettings):
    """Variables ``EMOTION_DETECTOR_*``."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_DETECTOR_")

    port: int = Field(8002, ge=0, le=65535, description="TCP port to listen on; 0 picks a free one.")
    workers: int = Field(2, ge=1, le=64, description="Images decoded and searched at the same time; each takes a core.")
    waiting: int = Field(16, ge=0, description="Images that may wait for a worker; more get 503.")
    max_wait_s: float = Field(
        0.5,
        gt=0,
        description="Longest wait for a worker; an image that would wait longer gets 503 at once. Keep it well below "
        "what callers wait for an answer.",
    )
    max_work_s: float = Field(
        3.0,
        ge=0.01,
        le=600,
        description="Most processor time for an image, checks, decoding and search together. One that takes more gets "
        "422, and the worker process that it kept busy is replaced.",
    )
    body_limit_bytes: int = Field(
        16 * 1024 * 1024, ge=1, description="Largest body that is read; a larger one gets 413."
    )
    pixel_limit: int = Field(
        40_000_000, ge=1, description="Most pixels an image may have, checked before decoding; more get 422."
    )
    cascade: str = Field(
        "haarcascade_frontalface_alt2",
        description="Haar cascade: the name of one that comes with OpenCV, or the path of an XML file.",
    )
    scale_factor: float = Field(
        1.1,
        gt=1,
        le=2,
        description="Ratio between one face size that is tried and the next; nearer to 1 is slower and finds more.",
    )
    min_neighbors: int = Field(
        5,
        ge=0,
        description="Overlapping hits that make a face, in the mean of a place and its mirror image; fewer find more, "
        "and more that is no face.",
    )
    min_face_px: int = Field(
        48, ge=20, description="Side of the smallest face that is found, in the image as it is searched."
    )
    search_side_px: int = Field(
        1280,
        ge=64,
        description="In images with a longer side the smallest face that is looked for grows in proportion; half of it "
        "takes two fifths of the time. Faces are cut out of the full image.",
    )
