"""Drawing into camera images: annotations and blurred faces."""
