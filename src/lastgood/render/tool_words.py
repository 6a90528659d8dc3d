"""What a program said, as a sentence for people: bounded, without secrets, with the repo's paths instead of a folder's.

Works on text alone.
"""

import re
from typing import NamedTuple

from lastgood.core.redact import redact
from lastgood.core.tree import is_below

MAX_CHARS = 1_500
MAX_LINES = 12
MAX_WARNINGS = 20
_READ_BYTES = 100_000
_NO_MEMORY = re.compile(r"out of memory|cannot allocate memory|pthread_create failed", re.IGNORECASE)
# `template: web/templates/a.yaml:12:34:`, `parse error at (web/templates/a.yaml:3)`, `(a.yaml:3:1)`
_TEMPLATE = re.compile(r"(?P<file>[^\s:()'\"]{1,300}\.(?:ya?ml|tpl|txt|json|tgz)):(?P<line>\d{1,7})(?::\d{1,7})?")
_YAML_ERROR = re.compile(r"YAML parse error on (?P<file>[^\s:]{1,300})")
_YAML_LINE = re.compile(r"yaml: line (?P<line>\d{1,7})")
_IN_FILE = re.compile(r"in File: (?P<file>[^\s]{1,300})")
_QUOTED = re.compile(r"'(?P<file>[^'\s]{1,300}\.(?:ya?ml|json))'")

# What a Go program prints of itself when it breaks down: addresses and functions, which help nobody here.
_STACK = ("goroutine ", "runtime stack:", "PC=", "[signal ")

# Of no use here: nobody can give the program an option.
_ADVICE = "Use --debug flag"


class Said(NamedTuple):
    """reason: a sentence without its full stop. file: as the program names it, or None. line: from 1."""

    reason: str
    file: str | None
    line: int | None


def shown(said: bytes, places: dict[str, str]) -> str:
    """Return what was said, fit to print. places: absolute folders and what to call them instead."""
    text = said[:_READ_BYTES].decode("utf-8", "replace")
    for place in sorted(places, key=len, reverse=True):
        name = places[place]
        text = text.replace(f"{place}/", f"{name}/" if name else "").replace(place, name or ".")
    # A secret may stand across the cut: it is taken out first.
    text = redact(text)
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def what_went_wrong(said: bytes, places: dict[str, str]) -> Said:
    """Return why a program failed."""
    text = shown(said, places)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    # Go ends with the stacks of all its threads; its first words say why.
    errors = [n for n, line in enumerate(lines) if line.startswith("Error: ")]
    lines = [line for line in (lines[errors[0] :] if errors else lines) if not line.startswith(_ADVICE)]
    stack = next((n for n, line in enumerate(lines) if line.startswith(_STACK)), len(lines))
    broke = not errors and 0 < stack < len(lines)
    reason = " / ".join(lines[: stack if broke else MAX_LINES][:MAX_LINES]).removeprefix("Error: ")
    if len(reason) > MAX_CHARS:
        # The beginning says what was done, the end what went wrong in it.
        reason = f"{reason[: MAX_CHARS // 2]} [cut] {reason[-MAX_CHARS // 2 :]}"
    if broke:
        reason = f"it went over a limit, or broke: {reason}"
    return Said(reason or "it failed without a word", *_place(reason))


def warnings_in(said: bytes, places: dict[str, str], name: str) -> list[str]:
    """Return what a program that succeeded said all the same, a sentence a line."""
    lines = [line.strip()[:MAX_CHARS] for line in shown(said, places).split("\n") if line.strip()]
    found = [f"{name}: {line}" for line in lines[:MAX_WARNINGS]]
    if len(lines) > MAX_WARNINGS:
        found.append(f"{name}: and {len(lines) - MAX_WARNINGS} more lines")
    return found


def lacks_memory(said: bytes) -> bool:
    """Say whether a program ended for want of memory."""
    return _NO_MEMORY.search(said[:_READ_BYTES].decode("utf-8", "replace")) is not None


def _place(reason: str) -> tuple[str | None, int | None]:
    # The innermost template is named last, and is where it happened.
    templates = list(_TEMPLATE.finditer(reason))
    if templates:
        return templates[-1]["file"], int(templates[-1]["line"])
    line = _YAML_LINE.search(reason)
    number = int(line["line"]) if line is not None else None
    for form in (_YAML_ERROR, _IN_FILE, _QUOTED):
        found = form.search(reason)
        if found is not None:
            return found["file"], number
    return None, number


def below(file: str, folder: str) -> str | None:
    """Return a file that a program names as a path of the repo, if it can be one."""
    path = file.removeprefix("./")
    if path.startswith(("/", "../")):
        return None
    return path if is_below(path, folder) else f"{folder}/{path}" if folder else path
