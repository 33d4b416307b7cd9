"""Images and clips with known faces."""
