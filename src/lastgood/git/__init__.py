"""Config and source repos: fetch, read trees, make commits, push."""
