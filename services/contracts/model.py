"""What the gateway, TensorFlow Serving and the training code agree on about the model."""

MODEL_NAME = "emotion"
SIGNATURE_NAME = "serving_default"

FACE_SIDE = 48
FACE_SHAPE = (FACE_SIDE, FACE_SIDE, 1)
"""One face: float32, grayscale, 0 is black and 1 is white."""

INPUT_FACE = "face"
"""float32 [-1, 48, 48, 1] in [0, 1]."""

OUTPUT_PROBABILITIES = "probabilities"
"""float32 [-1, 7], in the order of ``EMOTIONS``; each row sums to one."""

OUTPUT_RELIABLE = "reliable"
"""bool [-1]: the top probability is at or above the threshold that travels with the model."""
