"""From an application's files to resources."""
