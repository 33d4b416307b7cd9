"""The detector's settings."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.detector.options import SearchSettings
from services.runtime.settings import ServiceSettings


class DetectorSettings(ServiceSettings):
    """Variables ``EMOTION_DETECTOR_*``."""

    model_config = SettingsConfigDict(env_prefix="EMOTION_DETECTOR_")

    port: int = Field(8002, ge=0, le=65535, description="TCP port to listen on; 0 picks a free one.")
    workers: int = Field(
        2, ge=1, le=64, description="Worker processes; each decodes and searches one image at a time and uses one core."
    )
    queue_size: int = Field(16, ge=0, description="Images that may wait for a worker; more get 503.")
    max_wait_s: float = Field(
        0.5,
        gt=0,
        description="Longest wait for a worker; an image that would wait longer gets 503 at once. Keep it well below "
        "the callers' timeouts.",
    )
    max_work_s: float = Field(
        3.0,
        ge=0.01,
        le=600,
        description="Most processor time for an image, checks, decoding and search together. One that takes more gets "
        "422, and its worker process is replaced.",
    )
    body_limit_bytes: int = Field(
        16 * 1024 * 1024, ge=1, description="Largest body that is read; a larger one gets 413."
    )
    pixel_limit: int = Field(
        SearchSettings.pixel_limit,
        ge=1,
        description="Most pixels an image may have, checked before decoding; more get 422.",
    )
    cascade: str = Field(
        SearchSettings.cascade,
        description="Haar cascade: the name of one that comes with OpenCV, or the path of an XML file.",
    )
    scale_factor: float = Field(
        SearchSettings.scale_factor,
        gt=1,
        le=2,
        description="Ratio between one face size that is tried and the next; nearer to 1 is slower and finds more.",
    )
    min_neighbors: int = Field(
        SearchSettings.min_neighbors,
        ge=0,
        description="Overlapping detections that make a face, as the mean of a region and its mirror image; a lower "
        "value finds more faces and more false ones.",
    )
    min_face_px: int = Field(
        SearchSettings.min_face_px,
        ge=20,
        description="Side of the smallest face that is found, in pixels of the image as it is searched.",
    )
    search_side_px: int = Field(
        SearchSettings.search_side_px,
        ge=64,
        description="In images with a longer side, the smallest face that is found grows in proportion; half of this "
        "value takes two fifths of the time. Faces are cropped from the full image.",
    )

    def search(self) -> SearchSettings:
        """Return the settings of the search."""
        return SearchSettings(
            self.cascade,
            self.scale_factor,
            self.min_neighbors,
            self.min_face_px,
            self.search_side_px,
            self.pixel_limit,
        )
