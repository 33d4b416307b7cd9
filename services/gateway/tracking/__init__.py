"""Face tracking: pure functions from the faces of frames to ids, smoothed probabilities and events."""
