"""Camera → JPEG → Redis. Knows nothing of who reads the frames."""
