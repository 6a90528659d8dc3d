"""Names of server-sent events: what a page listens to and what the stream sends must be the same word."""

import re


def stream_name(kind: str, name: str) -> str:
    """Return the event's name of a thing. Any text becomes letters, digits and -: no comma, space or line break."""
    return kind + "-" + re.sub(r"[^A-Za-z0-9-]", lambda sign: f"_{ord(sign[0]):x}", name)
