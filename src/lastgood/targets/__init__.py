"""Ways of running things: make it so, watch it, tell health."""
