"""The Open Inference Protocol, version 2, of the model alone."""
