"""How probable it is that what the detector found is a face."""

FACE_PROBABILITY = 0.97
"""The same for every face: 315 of 324 that the detector found in its evaluation were faces (``docs/decisions.md``).

Clients of the familiar APIs expect a number and compare it with a threshold. The cascade's own weight isn't a
probability, and a face below its threshold isn't found at all.
"""
