"""What we promise about speed and accuracy, measured."""
