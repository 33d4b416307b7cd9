"""Generates the pages under ``docs/`` that are derived from the code: ``make docs``."""
