"""Image in, faces out: Haar cascade, crop, 48×48. Keeps no state between requests."""
