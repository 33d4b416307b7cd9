"""TensorFlow is imported whole before its generated messages: other tests leave some of those behind without it."""

import tensorflow  # noqa: F401 - what importing it does is needed
