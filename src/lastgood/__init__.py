"""lastgood: every deployment on a timeline, every rollback in Git."""

__version__ = "0.1.0"
