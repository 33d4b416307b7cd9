"""Faces over time: pure functions from a camera's tracks and a frame's faces to new tracks, ids and events."""
