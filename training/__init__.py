"""Dataset, network, training, evaluation and export of the emotion model."""
