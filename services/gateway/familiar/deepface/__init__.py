"""DeepFace's HTTP API: ``POST /analyze``."""
