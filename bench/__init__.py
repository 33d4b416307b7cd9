"""Benchmarks of speed and detection quality, compared with their targets."""
