"""Reads the header of an image file within fixed bounds, before any decoder sees the file."""

from services.runtime.images.header import (
    ImageFormat,
    ImageHeader,
    ImageTooLargeError,
    InvalidImageError,
    read_header,
)

__all__ = ["ImageFormat", "ImageHeader", "ImageTooLargeError", "InvalidImageError", "read_header"]
