"""Camera → JPEG → Redis: reads cameras and publishes their frames."""
