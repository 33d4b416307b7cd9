"""``emotion doctor``: collects facts, and checks them with pure functions."""
