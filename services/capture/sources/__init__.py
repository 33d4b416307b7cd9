"""Sources of frames: webcams, streams, files and the demo feed."""
