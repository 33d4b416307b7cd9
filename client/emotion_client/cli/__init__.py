"""The command line ``emotion``; it needs the extra ``cli``."""
