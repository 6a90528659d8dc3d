"""Patterns: text with `{words}` in it, each standing for one folder name. Knows no YAML and no repository."""

import re
from collections.abc import Mapping, Sequence

WORD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]{0,40})\}")
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
LONGEST_NAME = 100


def words_in(pattern: str) -> tuple[str, ...]:
    """Return the words of a pattern in order, each once."""
    return tuple(dict.fromkeys(WORD.findall(pattern)))


def stray_brace(pattern: str) -> bool:
    """Say whether a brace is left that belongs to no `{word}`."""
    return any(brace in WORD.sub("", pattern) for brace in "{}")


def fill(pattern: str, words: Mapping[str, str]) -> str:
    """Put the words' values in; every word of the pattern must be there."""
    return WORD.sub(lambda found: words[found[1]], pattern)


def as_word(segment: str) -> str | None:
    """Return the word that a whole path segment is, None for a literal one."""
    found = WORD.fullmatch(segment)
    return found[1] if found else None


def usable_segment(name: str) -> bool:
    """Say whether a folder's name may stand in a path: hostile trees hold `..` and control characters too."""
    return bool(name) and name not in {".", ".."} and name.isprintable() and "/" not in name and "\\" not in name


def segments(path: str) -> tuple[str, ...] | None:
    """Split a path from the repo's root; `.` is the root. None: it is absolute, leaves the repo, or is strange."""
    return resolve((), path)


def resolve(start: Sequence[str], path: str) -> tuple[str, ...] | None:
    """Follow a relative path from a folder, by its text alone. None: absolute, out of the repo, or strange."""
    if path.startswith("/"):
        return None
    at = list(start)
    for segment in path.rstrip("/").split("/") if path not in {"", "."} else ():
        if segment == ".":
            continue
        if segment == "..":
            if not at:
                return None
            at.pop()
        elif usable_segment(segment):
            at.append(segment)
        else:
            return None
    return tuple(at)


def is_name(text: str) -> bool:
    """Say whether text can be the name of an application, a destination or a namespace."""
    return len(text) <= LONGEST_NAME and NAME.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Say whether text can be an environment or a group: as a name, capitals and `_` too."""
    return len(text) <= LONGEST_NAME and LABEL.fullmatch(text) is not None


def without_environment(name: str, environment: str | None) -> str:
    """Return an application's name without its environment: `web-production` in `production` is `web`."""
    if not environment:
        return name
    # Only a whole part of the name counts: in `reproduction` there is no `production`.
    parts = re.sub(rf"(?:^|[.-]){re.escape(environment)}(?=$|[.-])", "", name, count=1).strip(".-")
    return parts or name
