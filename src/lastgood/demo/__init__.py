"""The demo's repos and its story."""
