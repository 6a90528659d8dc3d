"""Compose the port Lastgood for a person who asks a server."""

from lastgood.remote.lastgood import RemoteLastgood


def open_server(url: str, token: str | None) -> RemoteLastgood:
    """Return a server as the port Lastgood; close it with `aclose`, or use it as an async context manager.

    Raises SettingsWrong for a URL that is none. Whether it answers shows when it is asked.
    """
    return RemoteLastgood(url, token)
