"""Writes the pages under ``docs/`` that are made from the code: ``make docs``."""
