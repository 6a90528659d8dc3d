"""Asks forges and trackers what they say of pull requests, issues and commits."""
