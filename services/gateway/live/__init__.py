"""Live sessions: the newest frames of a camera, analysed once for all clients that subscribe to it."""
