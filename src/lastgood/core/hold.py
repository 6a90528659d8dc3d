"""A hold: what must not be released again in an application. Value here; rules and file form below it.

Knows no repository: the file's bytes and a version's files come in as arguments.
"""

import datetime as dt

from lastgood.core.value import Value


class HeldFile(Value, frozen=True, kw_only=True):
    """A file by content: path from the repo's root, and blob id."""

    path: str
    blob: str


class Hold(Value, frozen=True, kw_only=True):
    """One entry of `.lastgood/holds/<app>.hold`. until: ends by itself then; None: by hand only.

    images: references (`name:tag`, or `artifact:revision` for processes) that entered with the version.
    """

    id: str
    version: str
    commit: str | None
    images: tuple[str, ...] = ()
    files: tuple[HeldFile, ...] = ()
    reason: str = ""
    by: str = ""
    since: dt.datetime
    until: dt.datetime | None = None


def hold_path(app: str) -> str:
    """Return where an application's holds stand in the config repo."""
    return f".lastgood/holds/{app}.hold"
