"""How the cost of a frame grows: with the picture's size, its faces, the cameras and the clients."""
