"""Starts the whole system on this machine without Docker, and stops it again."""
