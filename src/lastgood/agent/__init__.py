"""The loop: when to run which flow."""
