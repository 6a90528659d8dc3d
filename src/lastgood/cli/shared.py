"""Pieces of text that several commands print: versions, plans' parts, times. Pure."""

import datetime as dt
import re

from lastgood.cli.text import Style, absolute, clean, cut
from lastgood.core.commit import Person
from lastgood.core.dates import relative
from lastgood.core.version import Version

# As long as a good subject is; the rest is in `lastgood show`.
MAX_SUBJECT = 60
_REVISION = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")


def now() -> dt.datetime:
    """Return the time that this call's relative times count from."""
    return dt.datetime.now(dt.UTC)


def version_line(version: Version | None, at: dt.datetime, *, none: str = "unknown") -> str:
    """Describe a version in two lines: hash and subject, person and time. None is said in the words given."""
    if version is None:
        return none
    if version.commit is None:
        return f"{version.version[:7]} (no commit has it yet)" if version.version else "nothing: the path is not there"
    when = version.committed_at
    told = f"{version.commit[:7]} {cut(clean(version.subject or ''), MAX_SUBJECT)}".rstrip()
    if version.version is None:
        told += " (the path is not there)"
    about = [clean(version.author.name)] if version.author is not None else []
    if when is not None:
        about.append(f"{relative(when, at)} ({absolute(when)})")
    return f"{told}\n{', '.join(about)}" if about else told


def short(version: Version | None, hashes: dict[str, str]) -> str:
    """Return a version's short hash; "unknown" where there is none."""
    if version is None:
        return "unknown"
    return hashes.get(version.commit, version.commit[:7]) if version.commit else "-"


def reference(image: str | None) -> str:
    """Write an image's tag or digest; a revision of 40 digits by its first seven."""
    return _REVISION.sub(lambda found: found[0][:7], clean(image)) if image else "-"


def person(one: Person) -> str:
    """Write a person with the address."""
    return f"{clean(one.name)} <{clean(one.email)}>"


def indented(text: str, by: int = 2) -> str:
    """Indent every line."""
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))


def heading(text: str, style: Style) -> str:
    """Write a line that begins a part."""
    return style.paint(text, "bold")
