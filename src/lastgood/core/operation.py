"""An operation: something that a person asked for, with its id, and how far it has come. Pure values."""

import datetime as dt
from typing import Any, Literal

from lastgood.core.commit import Person
from lastgood.core.value import Value
from lastgood.core.words import OperationKind

Step = Literal["planned", "committed", "pushing", "done", "failed", "unknown"]


class Moved(Value, frozen=True, kw_only=True):
    """One `Lastgood-Moved` trailer: an application, from one commit to another."""

    app: str
    from_: str
    to: str


class Operation(Value, frozen=True, kw_only=True):
    """The record of an operation.

    step: planned -> committed (its commit's id is stored) -> pushing -> pushed -> done; or failed; or unknown,
    when nobody can tell whether the push arrived. plan: the whole plan as JSON, so that a restart goes on from it.
    """

    id: str
    kind: OperationKind
    repo: str | None
    branch: str | None
    moved: tuple[Moved, ...]
    reason: str
    despite: tuple[str, ...]
    by: Person
    requested_at: dt.datetime
    step: Step
    commit: str | None = None
    head: str | None = None
    message: str = ""
    finished_at: dt.datetime | None = None
    plan: dict[str, Any] | None = None


class OperationClaim(Value, frozen=True, kw_only=True):
    """What the trailers of a commit claim. A claim is shown as an operation only if the content agrees."""

    id: str
    kind: OperationKind
    moved: tuple[Moved, ...]
    despite: tuple[str, ...]
    reason: str


class OperationView(Value, frozen=True, kw_only=True):
    """The `operation` field of a timeline entry. recorded: the store has its id."""

    id: str
    kind: OperationKind
    from_: str | None
    to: str | None
    reason: str
    despite: tuple[str, ...]
    recorded: bool
