"""Other systems measured on the same images, each in its own environment."""
