"""Pieces of text that several commands print: versions, plans' parts, times. Pure."""

import datetime as dt

from lastgood.cli.text import Style, absolute, clean, relative
from lastgood.core.commit import Person
from lastgood.core.version import Version


def now() -> dt.datetime:
    """Return the time that this call's relative times count from."""
    return dt.datetime.now(dt.UTC)


def version_line(version: Version | None, at: dt.datetime, *, none: str = "unknown") -> str:
    """Describe a version in one line: hash, subject, person, time. None is said in the words given."""
    if version is None:
        return none
    if version.commit is None:
        return f"{version.version[:7]} (no commit has it yet)" if version.version else "nothing: the path is not there"
    when = version.committed_at
    told = [f"{version.commit[:7]}", clean(version.subject or "")]
    if version.version is None:
        told.append("(the path is not there)")
    if version.author is not None:
        told.append(f"by {clean(version.author.name)},")
    if when is not None:
        told.append(f"{relative(when, at)} ({absolute(when)})")
    return " ".join(part for part in told if part)


def short(version: Version | None, hashes: dict[str, str]) -> str:
    """Return a version's short hash; "unknown" where there is none."""
    if version is None:
        return "unknown"
    return hashes.get(version.commit, version.commit[:7]) if version.commit else "-"


def person(one: Person) -> str:
    """Write a person with the address."""
    return f"{clean(one.name)} <{clean(one.email)}>"


def indented(text: str, by: int = 2) -> str:
    """Indent every line."""
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))


def heading(text: str, style: Style) -> str:
    """Write a line that begins a part."""
    return style.paint(text, "bold")
