"""The HTTP edge: it alone knows the order frame → faces → emotions."""
