"""CompreFace's face detection: ``POST /api/v1/detection/detect``."""
