"""How text looks: tables that fit the terminal, relative times with the absolute beside them, colours of `git diff`.

Pure: width, colours and the time are arguments. Text from Git is text: control characters are taken out.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import NamedTuple

from lastgood.core.dates import relative

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
# C0 and C1 controls, DEL, and the marks that turn the direction of what follows.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_CONTROLS_IN_LINE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_BREAKS = re.compile(r"\s*[\r\n\t]\s*")
_BELOW = "    "
_ESCAPES = re.compile("\x1b\\[[0-9;]*m")
_HEALTH = {"Healthy": "green", "Progressing": "cyan", "Degraded": "red", "Missing": "red", "Suspended": "yellow"}
_SYNC = {"Synced": "green", "OutOfSync": "yellow"}
_OUTCOME = {"succeeded": "green", "failed": "red", "partial": "red", "superseded": "dim", "in-progress": "cyan"}
_CHECK = {"pass": "green", "warn": "yellow", "block": "red", "unknown": "yellow"}


class Style(NamedTuple):
    """How wide the output is, and whether it is coloured."""

    width: int
    color: bool

    def paint(self, text: str, *looks: str) -> str:
        """Colour a text, if there are colours."""
        codes = ";".join(_CODES[look] for look in looks if look)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.color and codes and text else text

    def health(self, word: str | None) -> str:
        """Colour a health word; None is "unknown"."""
        return self.paint(word or "unknown", _HEALTH.get(word or "", "dim"))

    def sync(self, word: str | None) -> str:
        """Colour a sync word."""
        return self.paint(word or "unknown", _SYNC.get(word or "", "dim"))

    def outcome(self, word: str | None) -> str:
        """Colour an outcome; None (no deployment) is empty."""
        return self.paint(word, _OUTCOME.get(word, "")) if word else ""

    def check(self, word: str) -> str:
        """Colour a check's outcome."""
        return self.paint(word, _CHECK.get(word, ""))


def clean(text: str, *, lines: bool = False) -> str:
    """Take control characters out of a text from elsewhere; line ends and tabs are spaces, or stay with `lines`."""
    text = text if lines else _BREAKS.sub(" ", text)
    return (_CONTROLS_IN_LINE if lines else _CONTROLS).sub("\N{REPLACEMENT CHARACTER}", text)


def width_of(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    text = _ESCAPES.sub("", text)
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) in {"Mn", "Me", "Cf"}
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def cut(text: str, width: int) -> str:
    """Shorten a text without colours to a number of columns, with an ellipsis for what is gone."""
    return text if width_of(text) <= width else _beginning(text, width - 1).rstrip() + "…"


def cut_inside(text: str, width: int) -> str:
    """Shorten a name in its middle: what tells long names apart is often their end."""
    if width_of(text) <= width:
        return text
    end = _beginning(text[::-1], (width - 1) // 2)[::-1]
    return _beginning(text, width - 1 - width_of(end)) + "…" + end


def wrapped(text: str, width: int) -> list[str]:
    """Break a text without colours into lines of so many columns: at spaces, and inside words that are longer."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and width_of(line) + 1 + width_of(word) > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while width_of(line) > width:
            # A character may be wider than a line; it stands alone then.
            head = _beginning(line, width) or line[0]
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line] if line else lines


def _beginning(text: str, width: int) -> str:
    """Return as much of a text as fits into so many columns."""
    used = 0
    for at, character in enumerate(text):
        used += width_of(character)
        if used > width:
            return text[:at]
    return text


class Column(NamedTuple):
    """A column of a table. least: the columns it may be cut down to; None: it is never cut.

    spare: it goes, rightmost first, before another is cut below its `wish`. inside: it is cut in its middle.
    """

    title: str
    least: int | None = None
    look: str = ""
    wish: int = 0
    spare: bool = False
    inside: bool = False


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], style: Style, *, whole: Collection[int] = ()
) -> str:
    """Lay out rows under titles; empty columns go, and the widest that may be cut give way until it fits.

    A column that is never cut (a hash, a time) keeps its width even on a terminal too small for it.
    whole: the rows whose last cell, where it does not fit, stands in full on the lines below instead.
    """
    shown = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    full = {i: max(len(columns[i].title), *(width_of(row[i]) for row in rows)) for i in shown}
    while (widths := _fitted(columns, {i: full[i] for i in shown}, style.width, wishes=True)) is None:
        spare = [i for i in shown if columns[i].spare]
        if not spare:
            widths = _fitted(columns, {i: full[i] for i in shown}, style.width, wishes=False) or {}
            break
        shown.remove(spare[-1])
    lines = [_row([style.paint(columns[i].title, "dim") for i in shown], [widths[i] for i in shown])]
    for at, row in enumerate(rows):
        cells, below = [], ""
        for i in shown:
            shorten = cut_inside if columns[i].inside else cut
            text = row[i] if width_of(row[i]) <= widths[i] else shorten(_ESCAPES.sub("", row[i]), widths[i])
            if at in whole and i == shown[-1] and text != row[i]:
                text, below = "", row[i]
            cells.append(style.paint(text, columns[i].look))
        lines.append(_row(cells, [widths[i] for i in shown]))
        lines += [_BELOW + line for line in wrapped(below, style.width - len(_BELOW))]
    return "\n".join(lines)


def _fitted(columns: Sequence[Column], widths: dict[int, int], width: int, *, wishes: bool) -> dict[int, int] | None:
    """Cut widths until the table fits. None where it does not; without wishes the least widths then."""
    while sum(widths.values()) + 2 * (len(widths) - 1) > width:
        least = {i: columns[i].least for i in widths}
        room = {
            i: widths[i]
            for i, few in least.items()
            if few is not None and widths[i] > (max(few, columns[i].wish) if wishes else few)
        }
        if not room:
            return None if wishes else widths
        widths[max(room, key=lambda i: room[i])] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - width_of(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def facts(pairs: Sequence[tuple[str, str]], style: Style) -> str:
    """Lay out names and values, one pair a line; pairs without a value go; a value of several lines is indented."""
    shown = [(name, value) for name, value in pairs if value]
    if not shown:
        return ""
    wide = max(len(name) for name, _ in shown)
    return "\n".join(
        style.paint(name.ljust(wide), "dim") + "  " + value.replace("\n", "\n" + " " * (wide + 2))
        for name, value in shown
    )


_SHORT = {"year": "y", "month": "mo", "week": "w", "day": "d", "hour": "h", "minute": "min"}


def ago(when: dt.datetime, now: dt.datetime) -> str:
    """Write `relative` as short as a table wants it: `3h ago`."""
    words = relative(when, now).split(" ")
    for at, word in enumerate(words):
        unit = _SHORT.get(word.rstrip("s"))
        if unit is not None:
            return " ".join([*words[: at - 1], words[at - 1] + unit, *words[at + 1 :]])
    return " ".join(words)


def absolute(when: dt.datetime) -> str:
    """Write a time in the reader's own time zone, to the minute."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


def stamp(when: dt.datetime, now: dt.datetime) -> str:
    """Write a time as short as a table wants it: without the year if it is this one, else without the hour."""
    when = when.astimezone()
    return when.strftime("%m-%d %H:%M" if when.year == now.astimezone().year else "%Y-%m-%d")


def lasted(seconds: float) -> str:
    """Write how long something took, in one or two units."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(when: dt.datetime | None, now: dt.datetime) -> str:
    """Write a time relative with the absolute beside it; None is "unknown"."""
    return "unknown" if when is None else f"{relative(when, now)} ({absolute(when)})"


def short_hashes(oids: Sequence[str | None]) -> dict[str, str]:
    """Shorten ids to seven characters, or as many as tell them apart from each other."""
    known = sorted({oid for oid in oids if oid})
    short = {}
    for at, oid in enumerate(known):
        length = 7
        for other in known[max(at - 1, 0) : at] + known[at + 1 : at + 2]:
            while length < len(oid) and other.startswith(oid[:length]):
                length += 1
        short[oid] = oid[:length]
    return short


def diff_colors(diff: str, style: Style) -> str:
    """Colour a unified diff as `git diff` does; its text is cleaned."""
    lines = []
    for raw in diff.rstrip("\n").split("\n"):
        line = clean(raw, lines=True)
        if line.startswith(("--- ", "+++ ", "diff ")):
            lines.append(style.paint(line, "bold"))
        elif line.startswith("@@"):
            lines.append(style.paint(line, "cyan"))
        elif line.startswith("+"):
            lines.append(style.paint(line, "green"))
        elif line.startswith("-"):
            lines.append(style.paint(line, "red"))
        else:
            lines.append(line)
    return "\n".join(lines)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Count something in words: `1 file`, `2 files`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
