"""Other systems on the same frames, each in an environment of its own."""
