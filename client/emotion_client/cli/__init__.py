"""The command ``emotion``; it needs the extra ``cli``."""
