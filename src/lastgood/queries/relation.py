"""How entries of one application's timeline relate: what is current, what is a return, in which order. Pure rules.

Rows are what a timeline is made of before the costly parts (images, inputs, operations) are looked up.
"""

import datetime as dt
from collections.abc import Sequence

from lastgood.core.commit import Commit, History, HistoryEntry
from lastgood.core.deployment import Deployment, was_applied
from lastgood.core.record import RefusedHead
from lastgood.core.value import Value


class Row(Value, frozen=True, kw_only=True):
    """One entry, as far as it costs nothing. at: when it began, else when it was committed.

    before: the commit of the next older version (for images). same_as: see `core/timeline.py`.
    """

    app: str
    commit: Commit
    version: str | None
    path_tree: str | None
    at: dt.datetime
    ran: bool | None
    deployment: Deployment | None = None
    refused: RefusedHead | None = None
    current: bool = False
    last_good: bool = False
    runs: bool = False
    same_as: str | None = None
    before: str | None = None
    truncated: bool = False


def git_rows(app: str, history: History) -> list[Row]:
    """Make rows of a first-parent history alone; what ran is unknown."""
    rows = [_row(app, entry) for entry in history.entries]
    return related(rows, current=0 if rows else None, truncated=history.truncated)


def recorded_rows(
    app: str,
    history: History,
    deployments: Sequence[Deployment],
    refused: Sequence[RefusedHead],
    *,
    current: str | None,
    last_good: str | None,
    running: str | None,
) -> list[Row]:
    """Merge records with the versions of the first-parent line that have none, newest first.

    deployments, refused: newest first. current, last_good, running: version ids from the application's record.
    A version without a record stands right below the next newer one that has one. It ran False (nobody deployed it
    although the agent was there), or None if it is older than every record.
    """
    first: dict[str, dt.datetime] = {}
    for run in deployments:
        first[run.commit.oid] = run.started_at
    kept_out = {head.commit: head for head in refused}
    rows = [_run_row(run) for run in deployments]
    last_recorded = max((i for i, entry in enumerate(history.entries) if entry.commit.oid in first), default=-1)
    ceiling: dt.datetime | None = None
    for place, entry in enumerate(history.entries):
        oid = entry.commit.oid
        if oid in first:
            ceiling = first[oid] if ceiling is None else min(first[oid], ceiling)
            continue
        head = kept_out.pop(oid, None)
        at = head.at if head is not None else entry.commit.committed_at
        at = at if ceiling is None else min(at, ceiling)
        ran = False if place < last_recorded or head is not None or not place else None
        rows.append(_row(app, entry, at=at, ran=ran, refused=head))
    rows.sort(key=lambda row: row.at, reverse=True)
    newest = next((i for i, row in enumerate(rows) if row.version == current), None) if current else None
    good = next((i for i, row in enumerate(rows) if row.version == last_good and _was_good(row)), None)
    runs = next((i for i, row in enumerate(rows) if row.version == running and row.ran), None) if running else None
    return related(rows, current=newest, last_good=good, runs=runs, truncated=history.truncated)


def related(
    rows: Sequence[Row],
    *,
    current: int | None,
    last_good: int | None = None,
    runs: int | None = None,
    truncated: bool = False,
) -> list[Row]:
    """Fill in how rows (of one application, newest first) relate."""
    earlier: dict[str, list[str]] = {}
    done: list[Row] = []
    below: Row | None = None
    for place in range(len(rows) - 1, -1, -1):
        row = rows[place]
        seen = earlier.setdefault(row.version, []) if row.version else []
        # A commit that was deployed twice is not a return to itself.
        same_as = next((oid for oid in reversed(seen) if oid != row.commit.oid), None)
        if row.version:
            seen.append(row.commit.oid)
        done.append(
            Row(
                app=row.app,
                commit=row.commit,
                version=row.version,
                path_tree=row.path_tree,
                at=row.at,
                ran=row.ran,
                deployment=row.deployment,
                refused=row.refused,
                current=place == current,
                last_good=place == last_good,
                runs=place == runs,
                same_as=same_as,
                before=below.commit.oid if below is not None and below.version else None,
                truncated=truncated and place == len(rows) - 1,
            )
        )
        below = row
    done.reverse()
    return done


def _row(
    app: str,
    entry: HistoryEntry,
    *,
    at: dt.datetime | None = None,
    ran: bool | None = None,
    refused: RefusedHead | None = None,
) -> Row:
    return Row(
        app=app,
        commit=entry.commit,
        version=entry.version,
        path_tree=entry.path_tree,
        at=at or entry.commit.committed_at,
        ran=ran,
        refused=refused,
    )


def _run_row(run: Deployment) -> Row:
    return Row(
        app=run.app,
        commit=run.commit,
        version=run.version,
        path_tree=run.path_tree,
        at=run.started_at,
        ran=was_applied(run),
        deployment=run,
    )


def _was_good(row: Row) -> bool:
    # A later attempt at the same version that failed, or was overtaken, is not what made it good.
    return row.deployment is not None and row.deployment.outcome == "succeeded"
