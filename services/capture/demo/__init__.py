"""The demo feed: two portraits in turn, for machines without a camera."""
