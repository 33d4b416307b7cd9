"""Clients of Redis, the detector and the model server."""
