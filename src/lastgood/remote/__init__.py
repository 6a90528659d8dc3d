"""The port Lastgood, asked of a server."""
