"""Exporting a run as a version that a model server loads."""
