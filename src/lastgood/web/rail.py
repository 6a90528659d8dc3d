"""The records of a timeline as a rail: days, what each version was, and the dotted lane back to the same content.

Pure: entries in, views out. Lanes are classes on the rows between, so no script measures anything.
"""

import datetime as dt
from collections.abc import Sequence

from lastgood.core.resource import ImageChange
from lastgood.core.timeline import TimelineEntry
from lastgood.core.value import Value
from lastgood.web.badge import Badge, entry_badge
from lastgood.web.clockface import day_heading

# Outcomes of which the record's own words are shown without being asked for.
_TOLD = ("failed", "partial", "in-progress")
# Digits shown of a full commit id, and of a digest.
_SHOWN = {40: 7, 64: 12}
SUMMARY_IMAGES = 12


class RecordView(Value, frozen=True, kw_only=True):
    """One record as shown.

    key: what names it in an address (n41, or a commit). lane: "out", "mid", "in" or "".
    same_as: short hash and anchor ("" where that record is not on this page) of the same content.
    """

    entry: TimelineEntry
    key: str
    anchor: str
    at: dt.datetime
    badge: Badge
    running: bool
    lane: str
    tip: bool
    tail: bool
    summary: str
    same_as: tuple[str, str] | None
    why: str
    may_go_back: bool


class Day(Value, frozen=True, kw_only=True):
    """The records of one day, newest first. lane: "mid" where one passes the heading."""

    heading: str
    tone: str
    lane: str
    records: tuple[RecordView, ...]


def record_key(entry: TimelineEntry) -> str:
    """Return what names a record in an address: its number, or the commit where it has none."""
    return entry.commit if entry.number is None else f"n{entry.number}"


def record_anchor(entry: TimelineEntry) -> str:
    """Return the id of a record's element."""
    return f"r-{entry.app}-{record_key(entry)[:40]}"


def record_time(entry: TimelineEntry) -> dt.datetime:
    """Return when a record began: its attempt, or its commit where there was none."""
    return entry.deployment.started_at if entry.deployment else entry.committed_at


def change_summary(images: Sequence[ImageChange]) -> str:
    """Say which images changed: "web 5.44.1 → 5.44.2, and 31 more"."""
    said = [f"{image.name} {_tag(image.from_)} → {_tag(image.to)}" for image in images[:SUMMARY_IMAGES]]
    if len(images) > SUMMARY_IMAGES:
        said.append(f"and {len(images) - SUMMARY_IMAGES} more")
    return ", ".join(said)


def record_view(
    entry: TimelineEntry, *, lane: str = "", tip: bool = False, tail: bool = False, same_anchor: str = ""
) -> RecordView:
    """Show one entry."""
    badge = entry_badge(entry)
    outcome = entry.deployment.outcome if entry.deployment else None
    anew = entry.runs_anew and entry.deployment is not None and entry.deployment.message != "Healthy"
    running = entry.health is not None
    return RecordView(
        entry=entry,
        key=record_key(entry),
        anchor=record_anchor(entry),
        at=record_time(entry),
        badge=badge,
        running=running,
        lane=lane,
        tip=tip,
        tail=tail,
        summary=change_summary(entry.images or ()) or "Details",
        same_as=(entry.same_as[:7], same_anchor) if entry.same_as else None,
        why=entry.deployment.message if entry.deployment and (outcome in _TOLD or anew) else "",
        may_go_back=not entry.current and not entry.held and entry.version is not None and not entry.refused_by,
    )


def days(entries: Sequence[TimelineEntry], *, today: dt.date, first_page: bool, ends: bool) -> tuple[Day, ...]:
    """Lay entries out by day.

    entries: newest first. first_page: the newest record of all is here; ends: the oldest is.
    """
    lanes, anchors = _lanes(entries)
    grouped: list[tuple[dt.date, list[RecordView], bool]] = []
    for number, entry in enumerate(entries):
        view = record_view(
            entry,
            lane=lanes[number],
            tip=first_page and number == 0,
            tail=ends and number == len(entries) - 1,
            same_anchor=anchors.get(number, ""),
        )
        date = view.at.astimezone(dt.UTC).date()
        if not grouped or grouped[-1][0] != date:
            grouped.append((date, [], lanes[number] in {"mid", "in"}))
        grouped[-1][1].append(view)
    return tuple(
        Day(
            heading=day_heading(date, today),
            tone=views[0].badge.tone,
            lane="mid" if passes else "",
            records=tuple(views),
        )
        for date, views, passes in grouped
    )


def _lanes(entries: Sequence[TimelineEntry]) -> tuple[list[str], dict[int, str]]:
    lanes = [""] * len(entries)
    anchors: dict[int, str] = {}
    if len({entry.app for entry in entries}) > 1:
        return lanes, anchors
    for number, entry in enumerate(entries):
        if entry.same_as is None:
            continue
        target = _release_of(entry.same_as, entries, number + 1)
        if target is None:
            continue
        anchors[number] = record_anchor(entries[target])
        went_back = entry.operation is not None or (
            entry.deployment is not None and entry.deployment.trigger == "rollback"
        )
        # Of two overlapping lanes only the newer is drawn; the sentence "same content as" is always there.
        if went_back and not entry.runs_anew and not any(lanes[number : target + 1]):
            lanes[number : target + 1] = ["out", *["mid"] * (target - number - 1), "in"]
    return lanes, anchors


def _release_of(commit: str, entries: Sequence[TimelineEntry], start: int) -> int | None:
    # Healing and trying again run a commit anew; the lane leads to the record that brought it.
    found = [at for at in range(start, len(entries)) if entries[at].commit == commit]
    brought = [at for at in found if not entries[at].runs_anew]
    return next(iter(brought or found), None)


def _tag(reference: str | None) -> str:
    if reference is None:
        return "none"
    tag = reference.rpartition("/")[2].rpartition(":")[2]
    # A process's artifact is a source revision: as short as every other hash.
    return tag[: _SHOWN.get(len(tag), len(tag))]
