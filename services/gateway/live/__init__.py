"""Live sessions: each camera's newest frames, analysed once for all who follow them."""
