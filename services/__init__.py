"""The processes of the system. They never import each other; what they agree on is in ``contracts``."""
