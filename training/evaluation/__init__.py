"""Measuring an exported version and writing its model card."""
