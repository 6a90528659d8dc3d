"""Statements about followed repos and the log of heads that were seen. Knows no other table."""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Row, desc, select

from lastgood.core.record import HeadKind, ObservedHead, RepoRecord
from lastgood.store.schema import observed_heads, repos
from lastgood.store.upsert import upsert


def save(connection: Connection, repo: RepoRecord) -> None:
    """Insert or replace a repo by name."""
    upsert(
        connection,
        repos,
        {
            "name": repo.name,
            "url": repo.url,
            "branch": repo.branch,
            "state": repo.state,
            "message": repo.message,
            "head": repo.head,
            "observed_at": repo.observed_at,
        },
    )


def read_all(connection: Connection) -> list[RepoRecord]:
    """Return the repos by name."""
    return [
        RepoRecord(
            name=row.name,
            url=row.url,
            branch=row.branch,
            state=row.state,
            message=row.message,
            head=row.head,
            observed_at=row.observed_at,
        )
        for row in connection.execute(select(repos).order_by(repos.c.name))
    ]


def observe_head(
    connection: Connection,
    *,
    repo: str,
    branch: str,
    commit: str,
    previous: str | None,
    kind: HeadKind,
    at: dt.datetime,
) -> ObservedHead:
    """Append to the log of heads."""
    new = observed_heads.insert().values(
        repo=repo, branch=branch, commit_oid=commit, previous=previous, kind=kind, observed_at=at
    )
    return _head(connection.execute(new.returning(*observed_heads.c)).one())


def heads(connection: Connection, repo: str, branch: str, *, limit: int) -> list[ObservedHead]:
    """Return the log of a branch, newest first."""
    asked = (
        select(observed_heads)
        .where(observed_heads.c.repo == repo, observed_heads.c.branch == branch)
        .order_by(desc(observed_heads.c.id))
        .limit(limit)
    )
    return [_head(row) for row in connection.execute(asked)]


def _head(row: Row[Any]) -> ObservedHead:
    return ObservedHead(
        id=row.id,
        repo=row.repo,
        branch=row.branch,
        commit=row.commit_oid,
        previous=row.previous,
        kind=row.kind,
        observed_at=row.observed_at,
    )
