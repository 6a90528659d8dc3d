"""Asks image registries what images say of themselves."""
