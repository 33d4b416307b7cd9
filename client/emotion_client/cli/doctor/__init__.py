"""``emotion doctor``: facts are gathered at thin edges, and judged by pure functions."""
