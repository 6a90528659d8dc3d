"""The port Lastgood, served from flows and queries."""
